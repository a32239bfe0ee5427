import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { formatMoment } from "../output/moment.ts";
import type { View } from "../output/print.ts";
import { safeLine } from "../output/safe-text.ts";
import { readAll } from "../session/pages.ts";
import { openSession, type SessionOptions, withExamples, withServer } from "../session/session.ts";

type Pool = SkeinOutputs["pools"]["list"]["items"][number];
type Agent = SkeinOutputs["agents"]["list"]["items"][number];

const POOLS: View<Pool> = {
  columns: [
    { title: "POOL", text: (pool) => pool.pool },
    { title: "AGENTS", text: (pool) => `${pool.openAgents} of ${pool.agents} open` },
    { title: "SLOTS", text: (pool) => String(pool.slots) },
    { title: "RUNNING", text: (pool) => String(pool.held) },
    { title: "WAITING", text: (pool) => String(pool.queued) },
  ],
  nameOf: (pool) => pool.pool,
  empty: "No pools: no agent serves, and nothing waits.",
};

const amount = (value: number | null): string => (value === null ? "any" : String(value));

const AGENTS: View<Agent> = {
  columns: [
    { title: "AGENT", text: (agent) => agent.id, widthMax: 40 },
    { title: "POOL", text: (agent) => agent.pool },
    { title: "RUNTIME", text: (agent) => agent.runtime },
    { title: "STATE", text: (agent) => stateOf(agent) },
    { title: "HOLDS", text: (agent) => `${agent.held} of ${agent.slots}` },
    { title: "CPU", text: (agent) => (agent.cpuMillis === null ? "any" : String(agent.cpuMillis / 1_000)) },
    { title: "MEMORY MIB", text: (agent) => amount(agent.memoryMiB) },
    { title: "GPUS", text: (agent) => amount(agent.gpus) },
    { title: "HEARD OF", text: (agent) => formatMoment(agent.heartbeatAt) },
  ],
  nameOf: (agent) => agent.id,
  empty: "No agents.",
};

function stateOf({ isLive, isCordoned, isDraining, held }: Agent): string {
  if (!isLive) return "gone";
  if (!isCordoned && !isDraining) return "open";
  return held > 0 ? "draining" : "drained";
}

/** `skein pools`: who serves which queue, and how much waits. */
export const pools = (environment: Environment): Command =>
  withExamples(
    withServer(new Command("pools")).description("List pools: who serves them, and how much waits"),
    "skein pools",
  ).action(async (options: SessionOptions) => {
    const { client, print } = openSession(environment, options);
    print.list((await client.pools.list.query()).items, POOLS);
  });

/** `skein agents`: what runs tasks. */
export function agents(environment: Environment): Command {
  const command = new Command("agents").description("List agents, and take them out of service");
  command.addCommand(listAgents(environment), { isDefault: true });
  command.addCommand(cordonAgent(environment, "cordon", true, "Let agents take nothing more; what they hold goes on"));
  command.addCommand(cordonAgent(environment, "uncordon", false, "Let agents take orders again"));
  return command;
}

const listAgents = (environment: Environment): Command =>
  withExamples(
    withServer(new Command("list"))
      .description("List agents with what they have and hold")
      .option("--pool <name>", "only of this pool")
      .option("--all", "also those that are gone"),
    "skein agents",
    "skein agents list --pool gpu",
  ).action(async ({ pool, all, ...options }: SessionOptions & { readonly pool?: string; readonly all?: boolean }) => {
    const { client, print } = openSession(environment, options);
    const where = { ...(pool === undefined ? {} : { pool }), ...(all ? {} : { isLive: true }) };
    print.list(await readAll((page) => client.agents.list.query({ ...where, ...page })), AGENTS);
  });

const cordonAgent = (environment: Environment, name: string, isCordoned: boolean, description: string): Command =>
  withExamples(
    withServer(new Command(name)).description(description).argument("<agents...>", "ids of agents"),
    `skein agents ${name} build-7`,
  ).action(async (ids: readonly string[], options: SessionOptions) => {
    const { client, print } = openSession(environment, options);
    const changed: Agent[] = [];
    for (const agentId of ids) changed.push(await client.agents.cordon.mutate({ agentId, isCordoned }));
    for (const agent of changed) {
      print.note(`Agent ${safeLine(agent.id)} is ${isCordoned ? "cordoned" : "open"}; it holds ${agent.held}.`);
    }
    if (options.output !== "table") print.list(changed, AGENTS);
  });

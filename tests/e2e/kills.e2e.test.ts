import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkflowExecution_Phase } from "@skein/idl/core";
import {
  type AdminClient,
  INSTALL_REDIS,
  integerInterface,
  launch,
  offerTemplate,
  openAdminClient,
  register,
  requireTool,
  type SeededRandom,
  seededRandom,
  startPostgres,
  TEST_TENANT,
  type TestPostgres,
  taskNode,
  untilOver,
  waitFor,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { haveClients, openFlyteClients, type RunningSkein, startSkein } from "./src/index.ts";
import { markingTask, processesWith, registerMarkingChain, startsIn } from "./src/start-marks.ts";

const isFull = process.env.SKEIN_TEST_FULL === "true";
const RUNS = isFull ? 150 : 50;
const STEPS = 5;
const KILLS = isFull ? 100 : 20;
const TIMEOUT_MS = isFull ? 900_000 : 240_000;
const seed = Number(process.env.SKEIN_SEED ?? Date.now() % 1_000_000);
const hasRedis = requireTool("redis-server", INSTALL_REDIS) !== undefined;
const queues = (["redis", "postgres"] as const).filter((queue) => queue === "postgres" || hasRedis);

let postgres: TestPostgres;
let template: { close(): Promise<void> };
let folder: string;
beforeAll(async () => {
  postgres = await startPostgres();
  template = await offerTemplate(postgres.url);
  folder = mkdtempSync(join(tmpdir(), "skein-kills-"));
});
afterAll(async () => {
  await template?.close();
  await postgres?.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (queue: "redis" | "postgres", agentSlots: number) =>
  startSkein({
    queue,
    storage: "file",
    apis: 2,
    schedulers: 2,
    agents: 2,
    agentSlots,
    // The tasks write to a file of the test, which a sandbox would keep them from.
    env: { SKEIN_ISOLATION: "none" },
  });

/** An answer in spite of restarts: the same call again until it is answered. */
async function persist<T>(
  clients: readonly AdminClient[],
  random: SeededRandom,
  call: (admin: AdminClient) => Promise<T>,
) {
  return waitFor(() => call(random.pick(clients)).catch(() => undefined), { timeoutMs: 60_000, what: "an answer" });
}

/** Kills one process after the other at moments and in an order that the seed decides, and starts each again. */
async function killAround(skein: RunningSkein, random: SeededRandom, times: number): Promise<string[]> {
  const victims = [...skein.apis, ...skein.schedulers, ...skein.agents];
  const killed: string[] = [];
  for (let count = 0; count < times; count++) {
    await new Promise((resolve) => setTimeout(resolve, 100 + random.below(900)));
    const victim = victims[count < victims.length ? count : random.below(victims.length)];
    if (!victim) throw new Error("no victim");
    victim.kill("SIGKILL");
    await victim.exited();
    await victim.start();
    killed.push(victim.name);
  }
  return killed;
}

async function expectAllSucceeded(admin: AdminClient, names: readonly string[]): Promise<void> {
  const phases = await Promise.all(
    names.map(async (name) => {
      const run = await untilOver(admin, name, TIMEOUT_MS / 2);
      const phase = WorkflowExecution_Phase[run.closure?.phase ?? 0];
      const error = run.closure?.outputResult.case === "error" ? run.closure.outputResult.value.message : "";
      return `${phase} ${error}`.trim();
    }),
  );
  expect(phases.filter((phase) => phase !== "SUCCEEDED")).toEqual([]);
}

async function expectNothingLeft(skein: RunningSkein, file: string): Promise<void> {
  const twice = [...startsIn(file)].filter(([, starts]) => starts > 1);
  expect(twice).toEqual([]);
  const { rows } = await skein.database.pool.query(
    `select (select count(*)::int from attempts where phase in ('queued', 'running', 'aborting')) as attempts,
            (select count(*)::int from actions where ended_at is null) as actions,
            (select count(*)::int from claims) as claims,
            (select count(*)::int from events) as events`,
  );
  expect(rows).toEqual([{ attempts: 0, actions: 0, claims: 0, events: 0 }]);
  await waitFor(async () => processesWith(file).length === 0, {
    timeoutMs: 20_000,
    what: "the tasks' processes to be gone",
  });
}

describe.each(queues)("with the queue on %s", (queue) => {
  test(`${RUNS} chains survive ${KILLS} kills of any process (seed ${seed})`, { timeout: TIMEOUT_MS }, async () => {
    const random = seededRandom(seed);
    const file = join(folder, `${queue}-chains`);
    const skein = await open(queue, 4);
    try {
      const clients = skein.apiUrls.map(openAdminClient);
      const [admin] = clients;
      if (!admin) throw new Error("no api");
      await registerMarkingChain(admin, `kills.${queue}`, file, { steps: STEPS, seconds: 0.2 });
      const python = await launchPython(skein);
      const names = Array.from({ length: RUNS }, (_, index) => `k${index}`);
      const launching = Promise.all(
        names.map((name) =>
          persist(clients, random, (client) =>
            launch(client, `kills.${queue}`, {}, { name }).catch((error) => {
              if (String(error).includes("already_exists")) return name;
              throw error;
            }),
          ),
        ),
      );
      const killed = await killAround(skein, random, KILLS);
      expect(killed).toHaveLength(KILLS);
      await launching;
      await skein.untilReady();
      await expectAllSucceeded(admin, [...names, ...python]);
      expect(startsIn(file).size).toBeGreaterThanOrEqual(RUNS * STEPS);
      await expectNothingLeft(skein, file);
    } catch (error) {
      throw new Error(`seed ${seed}\n${skein.logs().split("\n").slice(-40).join("\n")}`, { cause: error });
    } finally {
      await skein.close();
    }
  });

  test("a restart of Postgres is survived", { timeout: TIMEOUT_MS }, async () => {
    const file = join(folder, `${queue}-restart`);
    const skein = await open(queue, 4);
    try {
      const admin = openAdminClient(skein.url);
      await registerMarkingChain(admin, `restart.${queue}`, file, { steps: STEPS, seconds: 0.2 });
      const names = await Promise.all(Array.from({ length: 20 }, () => launch(admin, `restart.${queue}`)));
      await waitFor(async () => startsIn(file).size >= 10, { timeoutMs: 30_000, what: "some tasks to start" });
      await postgres.restart();
      await waitFor(() => admin.getVersion({}).catch(() => undefined), {
        timeoutMs: 30_000,
        what: "the api to answer",
      });
      await skein.untilReady();
      await expectAllSucceeded(admin, names);
      await expectNothingLeft(skein, file);
    } finally {
      await skein.close();
    }
  });
});

/** One Python workflow among the commands, when Flyte's clients are here. */
async function launchPython(skein: RunningSkein): Promise<string[]> {
  if (!(await haveClients())) return [];
  const clients = await openFlyteClients(skein);
  const { code, output } = await clients.pyflyte("run", "--remote", "greetings.py", "hello", "--name", "kills");
  await clients.close();
  const name = /executions\/([a-z0-9-]+)/.exec(output)?.[1];
  if (code !== 0 || name === undefined) throw new Error(`pyflyte run failed:\n${output}`);
  return [name];
}

test.runIf(hasRedis)("a Redis that forgets everything loses no attempt", { timeout: TIMEOUT_MS }, async () => {
  const file = join(folder, "flushed");
  const skein = await open("redis", 4);
  try {
    const admin = openAdminClient(skein.url);
    writeFileSync(file, "");
    const task = markingTask("flush.step", file, 0.1);
    const nodes = Array.from({ length: 160 }, (_, index) => taskNode(`n${index}`, task));
    await register(admin, [task], [workflowOf("flush.fan", nodes, integerInterface([], []))]);
    const name = await launch(admin, "flush.fan");
    const queued = async () => {
      const { rows } = await skein.database.pool.query<{ count: number }>(
        "select count(*)::int as count from attempts where phase = 'queued'",
      );
      return rows[0]?.count ?? 0;
    };
    await waitFor(async () => (await queued()) >= 110, { timeoutMs: 20_000, what: "attempts to queue" });
    await skein.redis?.flush();
    expect(await queued()).toBeGreaterThanOrEqual(100);
    await expectAllSucceeded(admin, [name]);
    const nodesSeen = await admin.listNodeExecutions({ workflowExecutionId: { ...TEST_TENANT, name }, limit: 1_000 });
    expect(nodesSeen.nodeExecutions).toHaveLength(162);
  } finally {
    await skein.close();
  }
});

import { WorkflowExecution_Phase } from "@skein/idl/core";
import {
  type AdminClient,
  chainOf,
  echoTask,
  fanOf,
  launch,
  openAdminClient,
  register,
  TEST_TENANT,
} from "@skein/testing";
import { verifyRun, verifyRuns } from "./verify.ts";

const TASK = echoTask("bench.echo");
const POLL_MS = 20;
const COUNT_POLL_MS = 100;
const CONNECTIONS = 20;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const secondsSince = (start: number) => (performance.now() - start) / 1000;

/** Registers the workflows that the benches launch, except the big one, whose registration is a figure. */
export async function registerAll(admin: AdminClient): Promise<void> {
  await register(
    admin,
    [TASK],
    [chainOf("bench.chain40", TASK, 40), fanOf("bench.fan1000", TASK, 1000), chainOf("bench.single", TASK, 1)],
  );
}

/** CreateExecution → GetExecution, every 20 ms unless told, says SUCCEEDED. Answers the seconds and the run's name. */
export async function timeRun(
  admin: AdminClient,
  workflow: string,
  inputs: Readonly<Record<string, number | readonly number[]>> = { x: 42 },
  pollMs = POLL_MS,
): Promise<{ seconds: number; name: string }> {
  const start = performance.now();
  const name = await launch(admin, workflow, inputs);
  for (;;) {
    const { closure } = await admin.getExecution({ id: { ...TEST_TENANT, name } });
    if (closure?.phase === WorkflowExecution_Phase.SUCCEEDED) return { seconds: secondsSince(start), name };
    if (closure && closure.phase > WorkflowExecution_Phase.SUCCEEDED) {
      throw new Error(`run ${name} of ${workflow} ended as ${WorkflowExecution_Phase[closure.phase]}`);
    }
    await sleep(pollMs);
  }
}

/** Seconds of `rounds` runs one after the other, after one that is not counted; every run's rows are checked. */
export async function timeRuns(admin: AdminClient, workflow: string, nodes: number, rounds: number): Promise<number[]> {
  await timeRun(admin, workflow);
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const run = await timeRun(admin, workflow);
    await verifyRun(admin, run.name, nodes, 42n);
    seconds.push(run.seconds);
  }
  return seconds;
}

/** 1,000 CreateExecutions over 20 connections → a ListExecutions by phase counts them all. Answers runs per second. */
export async function burst(url: string, count: number, round: number): Promise<number> {
  const clients = Array.from({ length: CONNECTIONS }, () => openAdminClient(url));
  const names = Array.from({ length: count }, (_, index) => `b${round}x${index}`);
  await Promise.all(clients.map((client) => client.getVersion({})));
  const start = performance.now();
  const waiting = [...names];
  await Promise.all(
    clients.map(async (client) => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        await launch(client, "bench.single", { x: 7 }, { name });
      }
    }),
  );
  const [admin] = clients;
  if (!admin) throw new Error("no client");
  while ((await countSucceeded(admin, round)) < count) await sleep(COUNT_POLL_MS);
  const perSecond = count / secondsSince(start);
  await verifyRuns(admin, names, 1, 7n);
  return perSecond;
}

async function countSucceeded(admin: AdminClient, round: number): Promise<number> {
  const page = await admin.listExecutions({
    id: TEST_TENANT,
    limit: 10_000,
    filters: `eq(phase,SUCCEEDED)+contains(name,b${round}x)`,
  });
  return page.executions.length;
}

/** Registers and runs one workflow of 10,000 nodes side by side. */
export async function bigWorkflow(admin: AdminClient, round: number): Promise<{ register: number; run: number }> {
  const workflow = fanOf("bench.nodes10000", TASK, 10_000, `v${round}`);
  const start = performance.now();
  await register(admin, [], [workflow]);
  const registered = secondsSince(start);
  const runStart = performance.now();
  const name = await launch(admin, "bench.nodes10000", { x: 1 }, { version: `v${round}` });
  for (;;) {
    const { closure } = await admin.getExecution({ id: { ...TEST_TENANT, name } });
    if (closure?.phase === WorkflowExecution_Phase.SUCCEEDED) break;
    if (closure?.phase === WorkflowExecution_Phase.FAILED) throw new Error(`run ${name} failed`);
    await sleep(POLL_MS);
  }
  const run = secondsSince(runStart);
  await verifyRun(admin, name, 10_000, 1n);
  return { register: registered, run };
}

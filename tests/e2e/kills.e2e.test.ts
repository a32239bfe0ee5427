import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkflowExecution_Phase } from "@skein/idl/core";
import {
  type AdminClient,
  INSTALL_REDIS,
  integerInterface,
  integerScalar,
  launch,
  offerTemplate,
  openAdminClient,
  openSignalClient,
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
import { haveClients, openFlyteClients, outputsWhenOver, type RunningSkein, startSkein } from "./src/index.ts";
import { CHILD_RUNS, FAILED_ITEMS, outputsOfMain, registerMix, SIGNAL, STARTS_OF_MAIN } from "./src/mixed-workflows.ts";
import { markingTask, processesWith, registerMarkingChain, startsIn } from "./src/start-marks.ts";

const isFull = process.env.SKEIN_TEST_FULL === "true";
const CHAINS = isFull ? 100 : 30;
/** Runs of the workflows with every kind of node. */
const MIXED = isFull ? { main: 16, fails: 8, waits: 8 } : { main: 5, fails: 2, waits: 2 };
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
async function persist<C, T>(clients: readonly C[], random: SeededRandom, call: (client: C) => Promise<T>) {
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
  const ends = await endsOf(admin, names);
  expect(ends.filter((end) => end !== "SUCCEEDED")).toEqual([]);
}

/** How runs ended: the phase, and the code of the error if there is one. */
const endsOf = (admin: AdminClient, names: readonly string[]): Promise<string[]> =>
  Promise.all(
    names.map(async (name) => {
      const { closure } = await untilOver(admin, name, TIMEOUT_MS / 2);
      const error = closure?.outputResult.case === "error" ? closure.outputResult.value.code : "";
      return `${WorkflowExecution_Phase[closure?.phase ?? 0]} ${error}`.trim();
    }),
  );

/** Nothing runs, waits or is claimed any more, and no command was ever started twice. */
async function expectNothingLeft(skein: RunningSkein, file: string): Promise<void> {
  const twice = [...startsIn(file)].filter(([, starts]) => starts > 1);
  expect(twice).toEqual([]);
  const { rows } = await skein.database.pool.query(
    `select (select count(*)::int from runs where ended_at is null) as runs,
            (select count(*)::int from attempts where phase in ('queued', 'running', 'aborting')) as attempts,
            (select count(*)::int from actions where ended_at is null) as actions,
            (select count(*)::int from claims) as claims,
            (select count(*)::int from timers) as timers,
            (select count(*)::int from errands) as errands,
            (select count(*)::int from events) as events`,
  );
  expect(rows).toEqual([{ runs: 0, attempts: 0, actions: 0, claims: 0, timers: 0, errands: 0, events: 0 }]);
  const published = async () => {
    const left = await skein.database.pool.query<{ count: number }>("select count(*)::int as count from commands");
    return left.rows[0]?.count;
  };
  await waitFor(async () => (await published()) === 0, { timeoutMs: 20_000, what: "published commands to be deleted" });
  await waitFor(async () => processesWith(file).length === 0, {
    timeoutMs: 20_000,
    what: "the tasks' processes to be gone",
  });
}

/** The last lines of the logs that tell of a defect, or of the logs as a whole where none does. */
function defectsIn(skein: RunningSkein): string {
  const lines = skein.logs().split("\n");
  const defects = lines.filter((line) => line.includes('"level":50'));
  return (defects.length > 0 ? defects : lines).slice(-40).join("\n");
}

/** A run to launch, under a name of its own. */
interface Wanted {
  readonly name: string;
  readonly workflow: string;
  readonly inputs?: Readonly<Record<string, number>>;
}

/** Launches runs, however often it has to be asked for. */
const launchAll = (clients: readonly AdminClient[], random: SeededRandom, wanted: readonly Wanted[]) =>
  Promise.all(
    wanted.map(({ name, workflow, inputs }) =>
      persist(clients, random, (client) =>
        launch(client, workflow, inputs, { name }).catch((error) => {
          if (String(error).includes("already_exists")) return name;
          throw error;
        }),
      ),
    ),
  );

const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Names of runs of the workflows of `registerMix`. */
const MIX = {
  main: named("m", MIXED.main),
  fails: named("f", MIXED.fails),
  waits: named("w", MIXED.waits),
};

/** Launches runs with every kind of node, answers their gates, and aborts those that wait for ever. */
async function runMix(skein: RunningSkein, mix: string, random: SeededRandom): Promise<void> {
  const clients = skein.apiUrls.map(openAdminClient);
  const signals = skein.apiUrls.map(openSignalClient);
  await launchAll(clients, random, [
    ...MIX.main.map((name, x) => ({ name, workflow: `${mix}.main`, inputs: { x } })),
    ...MIX.fails.map((name) => ({ name, workflow: `${mix}.fails` })),
    ...MIX.waits.map((name) => ({ name, workflow: `${mix}.waits` })),
  ]);
  const answer = (name: string) =>
    persist(signals, random, (client) =>
      client.setSignal({
        id: { signalId: SIGNAL.id, executionId: { ...TEST_TENANT, name } },
        value: { value: integerScalar(SIGNAL.answer) },
      }),
    );
  const abort = async (name: string) => {
    await untilWaiting(skein, name);
    const id = { ...TEST_TENANT, name };
    await persist(clients, random, (client) => client.terminateExecution({ id, cause: "enough" }));
  };
  await Promise.all([...MIX.main.map(answer), ...MIX.waits.map(abort)]);
}

/** Until the child run of the run's child run waits at its gate. */
const untilWaiting = (skein: RunningSkein, name: string): Promise<unknown> =>
  waitFor(
    async () => {
      const { rows } = await skein.database.pool.query(
        `select from signals s join runs inner_run on inner_run.id = s.run_id
         join runs child on child.id = inner_run.parent_run_id join runs r on r.id = child.parent_run_id where r.name = $1`,
        [name],
      );
      return rows.length === 1;
    },
    { timeoutMs: TIMEOUT_MS / 2, what: `the gate under ${name} to open` },
  );

/** Every run ended as it must, with as many child runs as it has nodes for them. */
async function expectMixEnded(skein: RunningSkein, admin: AdminClient): Promise<void> {
  const { main, fails, waits } = MIX;
  expect(await endsOf(admin, main)).toEqual(main.map(() => "SUCCEEDED"));
  const outputs = await Promise.all(main.map((name) => outputsWhenOver(admin, name)));
  expect(outputs).toEqual(main.map((_, x) => outputsOfMain(x)));
  expect(await endsOf(admin, fails)).toEqual(fails.map(() => "FAILED RetriesExhausted|NonZeroExit"));
  expect(await endsOf(admin, waits)).toEqual(waits.map(() => "ABORTED"));
  const { rows } = await skein.database.pool.query(
    `select (select count(*)::int from runs where parent_run_id is not null) as children,
            (select count(*)::int from runs where parent_run_id is not null and phase = 'aborted') as "abortedChildren",
            (select count(*)::int from actions a join runs r on r.id = a.run_id
               where a.spec_node_id = 'cleanup' and a.phase = 'succeeded' and r.phase = 'failed') as cleanups,
            (select count(*)::int from actions where item_index is not null and phase = 'failed') as "failedItems",
            (select count(*)::int from actions where phase = 'skipped') as skipped,
            (select count(*)::int from actions where cache_status in ('hit', 'populated')) as cached`,
  );
  const aborted = waits.length * CHILD_RUNS.waits;
  expect(rows).toEqual([
    {
      children: main.length * CHILD_RUNS.main + aborted,
      abortedChildren: aborted,
      cleanups: fails.length,
      failedItems: main.length * FAILED_ITEMS,
      skipped: main.length,
      cached: main.length,
    },
  ]);
}

describe.each(queues)("with the queue on %s", (queue) => {
  test(`runs of every kind survive ${KILLS} kills of any process (seed ${seed})`, { timeout: TIMEOUT_MS }, async () => {
    const random = seededRandom(seed);
    const file = join(folder, `${queue}-kills`);
    const skein = await open(queue, 4);
    try {
      const clients = skein.apiUrls.map(openAdminClient);
      const [admin] = clients;
      if (!admin) throw new Error("no api");
      await registerMarkingChain(admin, `kills.${queue}`, file, { steps: STEPS, seconds: 0.2 });
      await registerMix(admin, `mix.${queue}`, file, skein.folder);
      const python = await launchPython(skein);
      const names = named("k", CHAINS);
      const chains = names.map((name) => ({ name, workflow: `kills.${queue}` }));
      const work = Promise.all([runMix(skein, `mix.${queue}`, random), launchAll(clients, random, chains)]);
      work.catch(() => undefined);
      const killed = await killAround(skein, random, KILLS);
      expect(killed).toHaveLength(KILLS);
      await work;
      await skein.untilReady();
      await expectAllSucceeded(admin, [...names, ...python]);
      await expectMixEnded(skein, admin);
      expect(startsIn(file).size).toBeGreaterThanOrEqual(CHAINS * STEPS + MIXED.main * STARTS_OF_MAIN);
      await expectNothingLeft(skein, file);
    } catch (error) {
      throw new Error(`seed ${seed}\n${defectsIn(skein)}`, { cause: error });
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

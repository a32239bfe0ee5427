import type { AttemptOrder } from "@skein/contracts";
import {
  insertAbortRequest,
  insertRunWithin,
  type LaunchLimit,
  type NewRun,
  PLAIN_SETTINGS,
  setLaunchPlanLimit,
} from "@skein/db";
import { chainOf, commandTask, insertLaunchPlan, insertRow, waitFor } from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { literalsOf, openWorld, type World } from "../test-world.ts";

const COMMAND = commandTask("command", ["true"], { inputs: ["x"], outputs: ["x"] });
const OUTPUTS = { data: Buffer.from(literalsOf(1n)).toString("base64") };
const SUCCEEDED = { type: "succeeded", startedAtMs: 1, endedAtMs: 2, outputs: OUTPUTS } as const;
const PLAN = { project: "flytesnacks", domain: "development", name: "nightly" };
const QUEUE: LaunchLimit = { launchPlan: PLAN, runsMax: 2, whenFull: "queue" };

let world: World;
let workflowId: number;
let launchPlanId: number;
beforeEach(async () => {
  world = await openWorld();
  const { pool } = world.database;
  workflowId = await world.register(chainOf("one", COMMAND, 1), [COMMAND]);
  launchPlanId = await insertLaunchPlan(pool, workflowId, { name: PLAN.name });
  await insertRow(pool, "named_entities", { ...PLAN, resource_type: "launch_plan" });
});
afterEach(() => world.close());

const newRun = (name: string, priority = 0, more: Partial<NewRun> = {}): NewRun => {
  const data = literalsOf(1n);
  const value = { data, sizeBytes: data.length };
  return {
    ...{ id: crypto.randomUUID(), project: PLAN.project, domain: PLAN.domain, name, shard: 0, mode: "manual" },
    ...{ principal: "me", launchPlanId, taskId: null, workflowId, referenceRunId: null, spec: new Uint8Array() },
    ...{ userInputs: value, inputs: value, createdAt: new Date(), settings: { ...PLAIN_SETTINGS, priority }, ...more },
  };
};
async function launch(name: string, limit = QUEUE, priority = 0): Promise<boolean | string> {
  const outcome = await insertRunWithin(world.database.pool, newRun(name, priority), limit);
  await world.database.pool.query("select pg_notify('skein_events', '')");
  return outcome;
}
async function namesIn(where: string): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ name: string }>(
    `select name from runs where ${where} order by name`,
  );
  return rows.map(({ name }) => name);
}
const idOf = async (name: string): Promise<string> => {
  const { rows } = await world.database.pool.query<{ id: string }>("select id from runs where name = $1", [name]);
  return rows[0]?.id ?? "";
};

/** Ends runs one by one as their orders come, and answers their names in this order. */
async function serve(count: number, onTaken?: () => Promise<void>): Promise<string[]> {
  const taker = await world.queues.openOrderTaker("default");
  const names: string[] = [];
  const held: AttemptOrder[] = [];
  const taken = new Set<string>();
  while (names.length < count) {
    const next = await taker.take(AbortSignal.timeout(10_000));
    if (!next) throw new Error(`no order came after ${names.length}`);
    await next.settle();
    // What nobody claims is published again.
    if (taken.has(next.order.runId)) continue;
    taken.add(next.order.runId);
    held.push(next.order);
    const { rows } = await world.database.pool.query<{ name: string }>("select name from runs where id = $1", [
      next.order.runId,
    ]);
    names.push(rows[0]?.name ?? "");
    await onTaken?.();
    for (const order of held.splice(0)) await world.queues.sendReports(0, [world.reportOf(order, SUCCEEDED)]);
  }
  await taker.close();
  return names;
}

test("runs above the limit wait for their turn: the most urgent first, then the oldest, and never too many with two schedulers", async () => {
  await world.startScheduler();
  await world.startScheduler();
  const one = { ...QUEUE, runsMax: 1 };
  expect(await launch("a", one)).toBe(true);
  for (const name of ["b", "c"]) expect(await launch(name, one)).toBe("waiting");
  expect(await launch("d", one, 3)).toBe("waiting");
  let most = 0;
  const names = await serve(4, async () => {
    const started = await namesIn(
      "phase = 'running' or phase = 'queued' and exists (select from events e where e.run_id = runs.id)",
    );
    most = Math.max(most, started.length);
  });
  expect(names).toEqual(["a", "d", "b", "c"]);
  expect(most).toBe(1);
  await waitFor(async () => (await namesIn("phase = 'succeeded'")).length === 4);
  expect((await world.database.pool.query("select from waiting_runs")).rowCount).toBe(0);
});

test("two launches at once share one place, and one skips it where skipping is asked for", async () => {
  const one = { ...QUEUE, runsMax: 1 };
  const outcomes = await Promise.all(["a", "b", "c"].map((name) => launch(name, one)));
  expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === "waiting")).toHaveLength(2);
  expect(await launch("d", { ...one, whenFull: "skip" })).toBe("full");
  expect(await namesIn("true")).toEqual(["a", "b", "c"]);
});

test("a run that is aborted while it waits ends at once and takes no place", async () => {
  await world.startScheduler();
  const one = { ...QUEUE, runsMax: 1 };
  for (const name of ["a", "b", "c"]) await launch(name, one);
  await insertAbortRequest(world.database.db, await idOf("b"), { cause: "enough", principal: "me", atMs: Date.now() });
  await world.untilPhase(await idOf("b"), "aborted");
  expect(await namesIn("phase = 'queued'")).toEqual(["c"]);
  expect(await serve(2)).toEqual(["a", "c"]);
});

test("who waits is started by a scheduler that begins after the place became free", async () => {
  const one = { ...QUEUE, runsMax: 1 };
  for (const name of ["a", "b"]) await launch(name, one);
  await world.startScheduler();
  await world.untilPhase(await idOf("a"), "running");
  await world.restartScheduler(async () => {
    await world.database.pool.query("update runs set phase = 'succeeded', ended_at = now() where name = 'a'");
  });
  await world.untilPhase(await idOf("b"), "running");
});

test("a launch takes the place of the oldest where replacing is asked for, and of all that wait", async () => {
  await world.startScheduler();
  for (const name of ["a", "b"]) await launch(name);
  await world.untilPhase(await idOf("a"), "running");
  await world.untilPhase(await idOf("b"), "running");
  expect(await launch("c")).toBe("waiting");
  expect(await launch("d", { ...QUEUE, whenFull: "replace" })).toBe("waiting");
  await world.untilPhase(await idOf("a"), "aborted");
  await world.untilPhase(await idOf("c"), "aborted");
  await world.untilPhase(await idOf("d"), "running");
  expect(await world.phaseOf(await idOf("b"))).toBe("running");
});

test("what people decide about a launch plan holds for those that wait already", async () => {
  const { pool } = world.database;
  await world.startScheduler();
  for (const name of ["a", "b", "c", "d", "e"]) await launch(name, { ...QUEUE, runsMax: 1 });
  await setLaunchPlanLimit(pool, { ...PLAN, runsMax: 3, whenFull: "queue" }, "me");
  await waitFor(async () => (await namesIn("phase = 'running'")).length === 3);
  expect(await namesIn("phase = 'queued'")).toEqual(["d", "e"]);
  await setLaunchPlanLimit(pool, { ...PLAN, runsMax: 0, whenFull: "queue" }, "me");
  await waitFor(async () => (await namesIn("phase = 'running'")).length === 5);
});

test("a child is refused that would wait for the run above it", async () => {
  const one = { ...QUEUE, runsMax: 1 };
  await launch("a", one);
  const parent = { runId: await idOf("a"), ordinal: 2, attempt: 0 };
  expect(await insertRunWithin(world.database.pool, newRun("b", 0, { parent }), one)).toBe("full");
});

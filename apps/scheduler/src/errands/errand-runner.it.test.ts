import { setImmediate as turn } from "node:timers/promises";
import type { ErrandRow } from "@skein/db";
import { type ErrandKind, newRun, type RunState } from "@skein/engine";
import { createMetrics, openLogger } from "@skein/telemetry";
import { createTestDatabase, type TestDatabase, waitFor } from "@skein/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Fact } from "../inbox.ts";
import { createSchedulerMetrics } from "../metrics.ts";
import type { CachedRun } from "../run-cache.ts";
import type { CarryOut, Errand, ErrandOutcome } from "./errand.ts";
import { ErrandRunner } from "./errand-runner.ts";

const RUN = "01990000-0000-7000-8000-000000000001";
const told: ErrandOutcome = { type: "told", event: { type: "outputsGathered", ordinal: 2, atMs: 1 } };
const outage = () => Object.assign(new Error("the database is away"), { code: "ECONNREFUSED" });

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

let facts: { runId: string; fact: Fact }[];
let batches: (readonly Errand[])[];
let answer: CarryOut;
let cached: CachedRun | undefined;
let runner: ErrandRunner;
beforeEach(async () => {
  facts = [];
  batches = [];
  cached = runWith(2, 3, 4);
  const carryOut: CarryOut = (errands) => {
    batches.push(errands);
    return answer(errands);
  };
  runner = new ErrandRunner({
    pool: database.pool,
    carryOuts: { check_cache: carryOut, launch_child: carryOut, abort_child: carryOut, gather_outputs: carryOut },
    logger: openLogger({ name: "test", level: "silent" }),
    metrics: createSchedulerMetrics(createMetrics()),
    tell: (runId, more) => facts.push(...more.map((fact) => ({ runId, fact }))),
    peek: () => cached,
  });
  await database.pool.query("truncate errands");
});
afterEach(() => runner.close());

function runWith(...ordinals: number[]): CachedRun {
  const state = newRun();
  for (const ordinal of ordinals) {
    const action = { ordinal, phase: "running", node: {}, frame: { kind: "graph" } };
    state.actions.set(ordinal, action as unknown as NonNullable<ReturnType<RunState["actions"]["get"]>>);
  }
  return { runId: RUN, shard: 0, state } as unknown as CachedRun;
}

/** Rows as a commit makes them. */
async function rows(...errands: [ErrandKind, number][]): Promise<ErrandRow[]> {
  const made: ErrandRow[] = [];
  for (const [kind, ordinal] of errands) {
    const { rows: found } = await database.pool.query<{ id: string }>(
      "insert into errands (run_id, ordinal, attempt, shard, kind) values ($1, $2, 0, 0, $3) returning id",
      [RUN, ordinal, kind],
    );
    made.push({ errandId: Number(found[0]?.id), kind, id: { runId: RUN, ordinal, attempt: 0 } });
  }
  return made;
}

const start = (made: readonly ErrandRow[]) => runner.takeUp(cached ?? runWith(), made);
const rowsLeft = async () => (await database.pool.query("select id from errands")).rows.length;

test("errands of a kind go out in one batch, and are in hand until their outcome is applied", async () => {
  answer = async (errands) => errands.map(() => told);
  const made = await rows(["check_cache", 2], ["check_cache", 3], ["gather_outputs", 4]);
  start(made);
  await waitFor(() => facts.length === 3);
  expect(batches.map((batch) => batch.map(({ ordinal }) => ordinal))).toEqual([[2, 3], [4]]);
  expect(runner.inHand).toEqual(made.map(({ errandId }) => errandId));
  expect(facts[0]).toMatchObject({ runId: RUN, fact: { errand: { id: made[0]?.errandId } } });
  for (const { fact } of facts) fact.onApplied?.();
  expect(runner.inHand).toEqual([]);
});

test("errands of one action are carried out one after the other, in the order of their rows", async () => {
  const order: string[] = [];
  answer = async (errands) => {
    order.push(...errands.map(({ kind }) => `${kind} begins`));
    for (let turns = 0; turns < 10; turns += 1) await turn();
    order.push(...errands.map(({ kind }) => `${kind} ends`));
    return errands.map(() => ({ type: "done" }));
  };
  start(await rows(["launch_child", 2], ["abort_child", 2]));
  await waitFor(async () => (await rowsLeft()) === 0);
  expect(order).toEqual(["launch_child begins", "launch_child ends", "abort_child begins", "abort_child ends"]);
  expect(runner.inHand).toEqual([]);
});

test("one that waits is asked again after its time, or as soon as its key is woken", async () => {
  let looks = 0;
  answer = async () => {
    looks += 1;
    if (looks === 3) return [told];
    return [{ type: "waiting", retryAfterMs: looks === 1 ? 1 : 60_000, wakeKey: "key" }];
  };
  start(await rows(["check_cache", 2]));
  await waitFor(() => looks === 2);
  runner.wake("another key");
  for (let turns = 0; turns < 10; turns += 1) await turn();
  expect(looks).toBe(2);
  runner.wake("key");
  await waitFor(() => facts.length === 1);
  expect(looks).toBe(3);
});

test("one that waits while its action ends goes back to who holds the run, and is deleted then", async () => {
  answer = async () => [{ type: "waiting", retryAfterMs: 1 }];
  const [row] = await rows(["check_cache", 2]);
  if (!row) throw new Error("there is a row");
  start([row]);
  cached?.state.actions.delete(2);
  await waitFor(() => facts.length === 1);
  expect(facts[0]?.fact).toMatchObject({ event: { type: "continued" }, takeUp: [row] });
  expect(runner.inHand).toEqual([row.errandId]);
  start([row]);
  await waitFor(async () => (await rowsLeft()) === 0);
  expect(batches).toHaveLength(1);
});

test("while the database is away all are tried again; one with a defect is found out and given up, the others are done", async () => {
  let isAway = true;
  answer = async (errands) => {
    if (isAway) {
      isAway = false;
      throw outage();
    }
    if (errands.some(({ ordinal }) => ordinal === 3)) throw new TypeError("a defect");
    return errands.map(() => told);
  };
  start(await rows(["gather_outputs", 2], ["gather_outputs", 3], ["gather_outputs", 4]));
  await waitFor(() => facts.length === 3, { timeoutMs: 15_000 });
  expect(facts.map(({ fact }) => fact.event.type)).toEqual(["outputsGathered", "outputsGathered", "gatheringFailed"]);
  expect(facts[2]?.fact.event).toMatchObject({ ordinal: 3, failure: { code: "InternalError", kind: "system" } });
}, 20_000);

test("what a lost shard left in hand is forgotten, and its rows stay", async () => {
  answer = async (errands) => errands.map(() => ({ type: "waiting", retryAfterMs: 5 }));
  const [lost, behind, kept] = await rows(["check_cache", 2], ["check_cache", 2], ["check_cache", 3]);
  if (!lost || !behind || !kept || !cached) throw new Error("three errands were asked for");
  start([lost, behind]);
  runner.takeUp({ ...cached, shard: 1 }, [kept]);
  const looksAt = (ordinal: number) => batches.flat().filter((errand) => errand.ordinal === ordinal).length;
  await waitFor(() => looksAt(2) === 1);
  runner.dropShard(0);
  expect(runner.inHand).toEqual([kept.errandId]);
  const seen = looksAt(3);
  await waitFor(() => looksAt(3) >= seen + 3);
  expect(looksAt(2)).toBe(1);
  expect(await rowsLeft()).toBe(3);
});

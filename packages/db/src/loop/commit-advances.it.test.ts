import type { CacheStatus, Changes } from "@skein/engine";
import { createTestDatabase, insertProject, insertRun, insertWorkflow, type TestDatabase } from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commitAdvances } from "./commit-advances.ts";
import type { RunAdvance } from "./run-advance.ts";

let database: TestDatabase;
let runId: string;
beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  runId = await insertRun(database.pool, await insertWorkflow(database.pool));
});
afterEach(() => database.close());

const action = {
  attempts: 1,
  userFailures: 0,
  systemFailures: 0,
  startedAtMs: null,
  endedAtMs: null,
  failure: null,
  cacheStatus: "disabled" as CacheStatus,
  cacheKey: null,
  isRecovered: false,
  isExpanded: false,
};
const place = { itemIndex: null, itemCount: null, inputsOrdinal: null, referenceOrdinal: null };
const attempt = { ordinal: 2, attempt: 0, queuedAtMs: 1_000, startedAtMs: null, endedAtMs: null, failure: null };
const nothing: Changes = {
  run: null,
  newActions: [],
  actions: [],
  attempts: [],
  values: [],
  copies: [],
  reusedExpansions: [],
  commands: [],
  staleEvents: 0,
};

const advanceOf = (version: number, changes: Partial<Changes>, more: Partial<RunAdvance> = {}): RunAdvance => ({
  runId,
  version,
  changes: { ...nothing, ...changes },
  values: [],
  copies: [],
  orders: [],
  reporters: new Map(),
  deckUris: new Map(),
  signals: [],
  expansions: [],
  cachePuts: [],
  cacheEntryIds: new Map(),
  links: [],
  parentNews: null,
  appliedEvents: [],
  eventIds: [],
  errandIds: [],
  ...more,
});

const firstAdvance = () =>
  advanceOf(
    0,
    {
      run: {
        phase: "running",
        startedAtMs: 1_000,
        endedAtMs: null,
        failure: null,
        abortCause: null,
        abortPrincipal: null,
      },
      newActions: [
        { ordinal: 2, name: "n0", parentOrdinal: null, specNodeId: "n0", kind: "task", taskKey: "p:d:t:v", ...place },
      ],
      actions: [{ ...action, ordinal: 2, phase: "queued" }],
      attempts: [{ ...attempt, phase: "queued", isNew: true }],
      commands: [{ type: "setTimer", ordinal: 2, attempt: 0, timer: "deadline", dueAtMs: 9_000 }],
    },
    {
      values: [{ ordinal: 2, side: "inputs", data: new Uint8Array([1, 2]), uri: null, sizeBytes: 2 }],
      orders: [
        {
          id: { runId, ordinal: 2, attempt: 0 },
          kind: "container",
          pool: "default",
          tokenHash: new Uint8Array(32),
          isDispatched: true,
        },
      ],
      appliedEvents: [{ type: "runStarted", atMs: 1_000 }],
    },
  );

const one = async (sql: string) => (await database.pool.query(sql)).rows[0];

test("an advance writes the run, its actions, attempts, values, commands, timers and history at once", async () => {
  const { commands } = await commitAdvances(database.pool, [firstAdvance()]);
  expect(commands).toMatchObject([{ id: { runId, ordinal: 2, attempt: 0 } }]);
  expect(await one("select phase, version, changed_seq from runs")).toEqual({
    phase: "running",
    version: 1,
    changed_seq: "2",
  });
  expect(await one("select name, phase, attempts, changed_seq from actions")).toEqual({
    name: "n0",
    phase: "queued",
    attempts: 1,
    changed_seq: "2",
  });
  expect(await one("select phase, pool, kind from attempts")).toEqual({
    phase: "queued",
    pool: "default",
    kind: "container",
  });
  expect(await one("select data from action_values where ordinal = 2")).toEqual({ data: Buffer.from([1, 2]) });
  expect(await one("select kind, due_at from timers")).toEqual({ kind: "deadline", due_at: new Date(9_000) });
  expect(await one("select event from event_history")).toEqual({ event: { type: "runStarted", atMs: 1_000 } });
});

test("an attempt that ends takes its claim, its waiting command and its timers with it", async () => {
  await commitAdvances(database.pool, [firstAdvance()]);
  await database.pool.query(
    "insert into claims (run_id, ordinal, attempt, agent_id, shard) values ($1, 2, 0, 'a', 0)",
    [runId],
  );
  await commitAdvances(database.pool, [
    advanceOf(
      1,
      {
        actions: [{ ...action, ordinal: 2, phase: "succeeded", startedAtMs: 2_000, endedAtMs: 3_000 }],
        attempts: [{ ...attempt, phase: "succeeded", startedAtMs: 2_000, endedAtMs: 3_000, isNew: false }],
        commands: [{ type: "clearTimers", ordinal: 2, attempt: 0 }],
      },
      { reporters: new Map([["2.0", { agentId: "agent-1", imageDigest: "sha256:1f" }]]) },
    ),
  ]);
  const left = await one(
    "select (select count(*)::int from claims) claims, (select count(*)::int from commands) commands, (select count(*)::int from timers) timers",
  );
  expect(left).toEqual({ claims: 0, commands: 0, timers: 0 });
  expect(await one("select phase, agent_id, image_digest, duration from attempts")).toEqual({
    phase: "succeeded",
    agent_id: "agent-1",
    image_digest: "sha256:1f",
    duration: 1,
  });
});

test("an advance from a version that is gone writes nothing at all", async () => {
  await expect(commitAdvances(database.pool, [{ ...firstAdvance(), version: 7 }])).rejects.toMatchObject({
    code: "40001",
  });
  expect(await one("select count(*)::int as count from actions")).toEqual({ count: 0 });
  expect(await one("select version from runs")).toEqual({ version: 0 });
});

test("an applied event of the api is gone from the waiting ones", async () => {
  const { id } = await one(
    `insert into events (run_id, shard, event) values ('${runId}', 0, '{"type":"runStarted"}') returning id`,
  );
  await commitAdvances(database.pool, [{ ...firstAdvance(), eventIds: [Number(id)] }]);
  expect(await one("select count(*)::int as count from events")).toEqual({ count: 0 });
});

import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readIdleRuns } from "./idle-runs.ts";
import { readCompiledWorkflows, readRunStates } from "./load-runs.ts";
import { readValues } from "./load-values.ts";
import { takeUnclaimed } from "./relay.ts";
import { announceScheduler, dismissScheduler, ensureShards, releaseShards, renewShards, takeShards } from "./shards.ts";

let database: TestDatabase;
let runId: string;
let workflowId: number;
const tenant = { project: "flytesnacks", domain: "development" };
beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool, { compiled: Buffer.from([7]) });
  runId = await insertRun(database.pool, workflowId, { version: 1 });
});
afterEach(() => database.close());

const insertAction = (ordinal: number) =>
  insertRow(database.pool, "actions", {
    run_id: runId,
    ordinal,
    ...tenant,
    name: `n${ordinal}`,
    spec_node_id: `n${ordinal}`,
    kind: "task",
    phase: "running",
    attempts: 2,
    changed_seq: 1,
  });
const insertAttempt = (attempt: number, columns: Record<string, string | number | Date | boolean | null>) =>
  insertRow(database.pool, "attempts", {
    run_id: runId,
    ordinal: 2,
    attempt,
    project: "flytesnacks",
    shard: 0,
    pool: "default",
    kind: "container",
    token_hash: Buffer.alloc(32),
    queued_at: new Date(1_000),
    changed_seq: 1,
    ...columns,
  });

test("a run comes back with its actions and only the latest attempt of each", async () => {
  await insertAction(2);
  await insertAttempt(0, {
    phase: "failed",
    ended_at: new Date(2_000),
    error_code: "Boom",
    error_message: "it broke",
    error_kind: "user",
    error_recoverable: true,
  });
  await insertAttempt(1, { phase: "running", started_at: new Date(3_500) });
  const [run] = await readRunStates(database.pool, [runId]);
  expect(run).toMatchObject({ runId, version: 1, workflowId, stored: { run: { phase: "queued", failure: null } } });
  expect(run?.stored.actions).toMatchObject([{ ordinal: 2, name: "n2", phase: "running", attempts: 2 }]);
  expect(run?.stored.attempts).toMatchObject([
    { ordinal: 2, attempt: 1, phase: "running", startedAtMs: 3_500, failure: null },
  ]);
});

test("compiled workflows and values are read by key", async () => {
  expect(await readCompiledWorkflows(database.pool, [workflowId])).toEqual(new Map([[workflowId, Buffer.from([7])]]));
  const value = { run_id: runId, ordinal: 0, side: "outputs", data: Buffer.from([1]), size_bytes: 1 };
  await insertRow(database.pool, "action_values", value);
  const refs = [
    { runId, ordinal: 0, side: "outputs" as const },
    { runId, ordinal: 9, side: "inputs" as const },
  ];
  expect(await readValues(database.pool, refs)).toMatchObject([
    { runId, ordinal: 0, data: Buffer.from([1]), uri: null },
  ]);
});

test("a run that waits for nothing is idle, one with a live attempt is not", async () => {
  expect(await readIdleRuns(database.pool, [0], -1_000, 10)).toEqual([runId]);
  await insertAction(2);
  await insertAttempt(0, { phase: "queued" });
  expect(await readIdleRuns(database.pool, [0], -1_000, 10)).toEqual([]);
});

test("an unclaimed attempt is taken for publishing once in its time", async () => {
  await insertAction(2);
  await insertAttempt(0, { phase: "queued" });
  const first = await takeUnclaimed(database.pool, [0], 5_000, 10);
  expect(first).toEqual([
    { id: { runId, ordinal: 2, attempt: 0 }, shard: 0, project: "flytesnacks", pool: "default", kind: "container" },
  ]);
  expect(await takeUnclaimed(database.pool, [0], 5_000, 10)).toEqual([]);
});

test("a shard has one owner until its lease ends or is given back", async () => {
  await ensureShards(database.pool, 4);
  expect(await takeShards(database.pool, "a", 60_000, 3)).toHaveLength(3);
  expect(await takeShards(database.pool, "b", 60_000, 3)).toHaveLength(1);
  expect(await takeShards(database.pool, "c", 60_000, 1)).toEqual([]);
  const held = await renewShards(database.pool, "a", 60_000);
  await releaseShards(database.pool, "a", held);
  expect(await renewShards(database.pool, "a", 60_000)).toEqual([]);
  expect(await takeShards(database.pool, "c", 60_000, 4)).toHaveLength(3);
});

test("schedulers know how many of them live", async () => {
  expect(await announceScheduler(database.pool, "a", 60_000)).toBe(1);
  expect(await announceScheduler(database.pool, "b", -1)).toBe(2);
  expect(await announceScheduler(database.pool, "a", 60_000)).toBe(1);
  expect(await announceScheduler(database.pool, "c", 60_000)).toBe(2);
  await dismissScheduler(database.pool, "c");
  expect(await announceScheduler(database.pool, "a", 60_000)).toBe(1);
});

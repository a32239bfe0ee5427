import type { Changes, NewAction, ValueCopy } from "@skein/engine";
import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commitAdvances } from "./commit-advances.ts";
import { deleteErrands, readWaitingErrands } from "./errands.ts";
import { readIdleRuns } from "./idle-runs.ts";
import type { RunAdvance } from "./run-advance.ts";

let database: TestDatabase;
let workflowId: number;
let runId: string;
beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
  runId = await insertRun(database.pool, workflowId, { shard: 2 });
});
afterEach(() => database.close());

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

const commit = (changes: Partial<Changes>, more: Partial<RunAdvance> = {}) =>
  commitAdvances(database.pool, [
    {
      runId,
      version: 0,
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
    },
  ]);

const rowsOf = async (sql: string) => (await database.pool.query(sql)).rows;

const insertValue = (of: string, ordinal: number, side: string, byte: number) =>
  insertRow(database.pool, "action_values", { run_id: of, ordinal, side, data: Buffer.from([byte]), size_bytes: 1 });

const item: NewAction = {
  ordinal: 4,
  name: "n0.1",
  parentOrdinal: 2,
  specNodeId: "n1",
  kind: "task",
  taskKey: "p:d:t:v",
  itemIndex: 1,
  itemCount: null,
  inputsOrdinal: 2,
  referenceOrdinal: 9,
};
const state = {
  ordinal: 4,
  attempts: 0,
  userFailures: 0,
  systemFailures: 0,
  startedAtMs: 1_000,
  failure: null,
  cacheKey: "1-a-b/tag",
} as const;

test("an action is written with its place in a map, and with what the cache and a recovery had to do with it", async () => {
  const entryId = crypto.randomUUID();
  const queued = { ...state, phase: "queued", cacheStatus: "miss", isRecovered: false, isExpanded: false } as const;
  await commit({ newActions: [item], actions: [{ ...queued, endedAtMs: null }] });
  const columns = `item_index, item_count, inputs_ordinal, reference_ordinal, cache_status, cache_key, cache_entry_id, is_recovered, is_expanded`;
  expect(await rowsOf(`select ${columns} from actions`)).toEqual([
    {
      item_index: 1,
      item_count: null,
      inputs_ordinal: 2,
      reference_ordinal: 9,
      cache_status: "miss",
      cache_key: "1-a-b/tag",
      cache_entry_id: null,
      is_recovered: false,
      is_expanded: false,
    },
  ]);
  const done = { ...state, phase: "succeeded", cacheStatus: "populated", isRecovered: true, isExpanded: true } as const;
  const cacheEntryIds = new Map([[4, entryId]]);
  await commit({ actions: [{ ...done, endedAtMs: 2_000 }] }, { version: 1, cacheEntryIds });
  const expected = { cache_status: "populated", cache_entry_id: entryId, is_recovered: true, is_expanded: true };
  expect(await rowsOf(`select ${columns} from actions`)).toMatchObject([expected]);
});

test("errands are written in the order in which they were asked for, and deleted with their outcome", async () => {
  const errand = (kind: "launch_child" | "abort_child", ordinal: number) =>
    ({ type: "runErrand", errand: kind, ordinal, attempt: 1 }) as const;
  const { commands, errands } = await commit({
    commands: [errand("launch_child", 7), errand("abort_child", 7), errand("launch_child", 3)],
  });
  expect(commands).toEqual([]);
  expect(errands.map(({ kind, id }) => [kind, id])).toEqual([
    ["launch_child", { runId, ordinal: 7, attempt: 1 }],
    ["abort_child", { runId, ordinal: 7, attempt: 1 }],
    ["launch_child", { runId, ordinal: 3, attempt: 1 }],
  ]);
  expect(await readWaitingErrands(database.pool, [2], -1_000, [], 10)).toEqual(errands);
  expect(await readWaitingErrands(database.pool, [2], 60_000, [], 10)).toEqual([]);
  expect(await readWaitingErrands(database.pool, [1], -1_000, [], 10)).toEqual([]);
  expect(await readIdleRuns(database.pool, [2], -1_000, 10)).toEqual([]);
  const [first, second, third] = errands.map(({ errandId }) => errandId);
  if (!first || !second || !third) throw new Error("three errands were asked for");
  await commit({}, { version: 1, errandIds: [second] });
  expect(await readWaitingErrands(database.pool, [2], -1_000, [third], 10)).toMatchObject([{ errandId: first }]);
  await deleteErrands(database.pool, [first, third]);
  expect(await rowsOf("select * from errands")).toEqual([]);
  expect(await readIdleRuns(database.pool, [2], -1_000, 10)).toEqual([runId]);
});

test("a commit that comes too late writes no errand and deletes none", async () => {
  const { errands } = await commit({
    commands: [{ type: "runErrand", errand: "check_cache", ordinal: 2, attempt: 0 }],
  });
  const errandIds = errands.map(({ errandId }) => errandId);
  await expect(commit({}, { errandIds })).rejects.toMatchObject({ code: "40001" });
  expect(await rowsOf("select id from errands")).toHaveLength(1);
});

test("a gate's question is a row, and a run that waits for its answer is not idle", async () => {
  const gate = { run_id: runId, ordinal: 2, project: "p", domain: "d", name: "g", spec_node_id: "g", kind: "gate" };
  await insertRow(database.pool, "actions", { ...gate, phase: "running", changed_seq: 1 });
  expect(await readIdleRuns(database.pool, [2], -1_000, 10)).toEqual([runId]);
  await commit({}, { signals: [{ ordinal: 2, signalId: "ok?", isApproval: true, type: new Uint8Array([8, 4]) }] });
  expect(await rowsOf("select ordinal, signal_id, is_approval, type, value, set_by from signals")).toEqual([
    { ordinal: 2, signal_id: "ok?", is_approval: true, type: Buffer.from([8, 4]), value: null, set_by: null },
  ]);
  expect(await readIdleRuns(database.pool, [2], -1_000, 10)).toEqual([]);
  await database.pool.query("update actions set phase = 'succeeded', ended_at = now()");
  expect(await readIdleRuns(database.pool, [2], -1_000, 10)).toEqual([runId]);
});

test("values are copied from the run and from the one it recovers, where there are any", async () => {
  const reference = await insertRun(database.pool, workflowId);
  await database.pool.query("update runs set reference_run_id = $1 where id = $2", [reference, runId]);
  await insertValue(runId, 5, "outputs", 1);
  await insertValue(reference, 5, "outputs", 2);
  await insertValue(runId, 8, "outputs", 3);
  const copy = (ordinal: number, to: number, of?: "reference"): ValueCopy => ({
    from: { ordinal, side: "outputs", ...(of ? { of } : {}) },
    to: { ordinal: to, side: "inputs" },
  });
  await commit({}, { copies: [copy(5, 6), copy(5, 7, "reference"), copy(8, 9, "reference")] });
  expect(await rowsOf(`select ordinal, data from action_values where run_id = '${runId}' and side = 'inputs'`)).toEqual(
    [
      { ordinal: 6, data: Buffer.from([1]) },
      { ordinal: 7, data: Buffer.from([2]) },
    ],
  );
});

test("what tasks wrote is stored, or taken over from the run that is recovered", async () => {
  const reference = await insertRun(database.pool, workflowId);
  await database.pool.query("update runs set reference_run_id = $1 where id = $2", [reference, runId]);
  const place = { compiled: null, uri: "s3://b/compiled.pb", specUri: "s3://b/futures.pb" };
  await insertRow(database.pool, "expansions", {
    run_id: reference,
    ordinal: 3,
    compiled: Buffer.from([3]),
    spec_uri: "s3://b/old.pb",
  });
  await commit({ reusedExpansions: [{ ordinal: 6, referenceOrdinal: 3 }] }, { expansions: [{ ordinal: 5, ...place }] });
  const rows = await rowsOf(
    `select ordinal, compiled, uri, spec_uri from expansions where run_id = '${runId}' order by 1`,
  );
  expect(rows).toEqual([
    { ordinal: 5, compiled: null, uri: "s3://b/compiled.pb", spec_uri: "s3://b/futures.pb" },
    { ordinal: 6, compiled: Buffer.from([3]), uri: null, spec_uri: "s3://b/old.pb" },
  ]);
});

test("a child's end is an event for its parent, with the outputs; a parent that is over is left alone", async () => {
  const parent = await insertRun(database.pool, workflowId, { shard: 1 });
  const over = await insertRun(database.pool, workflowId, { phase: "aborted", ended_at: new Date(1_000) });
  const event = { type: "childEnded", ordinal: 5, attempt: 0, atMs: 1, phase: "succeeded", failure: null } as const;
  const outputs = { data: new Uint8Array([4]), uri: null, sizeBytes: 1 };
  const newsFor = (id: string) => ({ parent: { runId: id, ordinal: 5, attempt: 0 }, event, outputs });
  await commit({}, { parentNews: newsFor(parent) });
  await commit({}, { version: 1, parentNews: newsFor(over) });
  expect(await rowsOf("select run_id, shard, event from events")).toEqual([{ run_id: parent, shard: 1, event }]);
  expect(await rowsOf("select run_id, ordinal, side, data from action_values")).toEqual([
    { run_id: parent, ordinal: 5, side: "outputs", data: Buffer.from([4]) },
  ]);
});

test("the objects in values are linked, each once", async () => {
  const link = { ordinal: 2, side: "outputs", uri: "s3://b/o", variable: "x" } as const;
  await commit({}, { links: [link] });
  await commit({}, { version: 1, links: [link, { ...link, side: "inputs" }] });
  expect(
    await rowsOf("select uri_hash = md5(uri)::uuid as hashed, side, uri, variable from artifact_links order by side"),
  ).toEqual([
    { hashed: true, side: "inputs", uri: "s3://b/o", variable: "x" },
    { hashed: true, side: "outputs", uri: "s3://b/o", variable: "x" },
  ]);
});

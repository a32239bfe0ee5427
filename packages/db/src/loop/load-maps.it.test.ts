import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readItemOutputs } from "./load-maps.ts";
import { readRunStates } from "./load-runs.ts";
import { readRunToRecover } from "./reference.ts";

let database: TestDatabase;
let workflowId: number;
let runId: string;
beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
  runId = await insertRun(database.pool, workflowId, { version: 1 });
});
afterEach(() => database.close());

type Columns = Parameters<typeof insertRow>[2];

function insertAction(ordinal: number, columns: Columns = {}) {
  const isOver = ["succeeded", "failed", "skipped"].includes(String(columns.phase));
  return insertRow(database.pool, "actions", {
    run_id: runId,
    ordinal,
    project: "flytesnacks",
    domain: "development",
    name: `a${ordinal}`,
    spec_node_id: `n${ordinal}`,
    kind: "workflow",
    phase: "running",
    ended_at: isOver ? new Date(1_000) : null,
    changed_seq: 1,
    ...columns,
  });
}

/** A map of 4 items at ordinal 2: one has succeeded, one failed, one runs, one has not begun. Each is a workflow with a task. */
async function insertMap(): Promise<void> {
  await insertAction(0, { kind: "start", phase: "succeeded" });
  await insertAction(1, { kind: "end", phase: "queued" });
  await insertAction(2, { kind: "array", item_count: 4 });
  const phases = ["succeeded", "failed", "running"];
  for (const [index, phase] of phases.entries()) {
    const error = phase === "failed" ? { error_code: "E", error_kind: "user" } : {};
    await insertAction(3 + index, { parent_ordinal: 2, item_index: index, phase, spec_node_id: `n${index}`, ...error });
    await insertAction(7 + index, { parent_ordinal: 3 + index, kind: "task", phase });
  }
}

const insertExpansion = (ordinal: number, byte: number) =>
  insertRow(database.pool, "expansions", {
    run_id: runId,
    ordinal,
    compiled: Buffer.from([byte]),
    spec_uri: "file:///x",
  });

test("items that are over, and what they are made of, are only counted", async () => {
  await insertMap();
  const [run] = await readRunStates(database.pool, [runId]);
  expect(run?.stored.actions.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2, 5, 9]);
  expect(run?.stored.actions[3]).toMatchObject({ itemIndex: 2, parentOrdinal: 2, specNodeId: "n2", itemCount: null });
  expect(run?.stored.arrays).toEqual([{ ordinal: 2, opened: 3, succeeded: 1, failed: 1 }]);
  expect(run?.stored.nextOrdinal).toBe(10);
});

test("a map's ordinals are taken before its items begin", async () => {
  await insertAction(0, { kind: "array", item_count: 20 });
  const [run] = await readRunStates(database.pool, [runId]);
  expect(run?.stored.arrays).toEqual([{ ordinal: 0, opened: 0, succeeded: 0, failed: 0 }]);
  expect(run?.stored.nextOrdinal).toBe(21);
});

test("expansions come with the actions that are loaded, not with forgotten items", async () => {
  await insertMap();
  await insertAction(10, { kind: "task", is_expanded: true });
  await insertAction(11, { kind: "task", parent_ordinal: 10 });
  await database.pool.query("update actions set is_expanded = true where ordinal = 3");
  await insertExpansion(3, 1);
  await insertExpansion(10, 2);
  const [run] = await readRunStates(database.pool, [runId]);
  expect(run?.expansions).toEqual([{ ordinal: 10, compiled: Buffer.from([2]), uri: null }]);
  expect(run?.stored.actions.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2, 5, 9, 10, 11]);
});

test("outputs of items are read a page at a time, those of failed ones never", async () => {
  await insertMap();
  for (const ordinal of [3, 4, 5]) {
    const value = { run_id: runId, ordinal, side: "outputs", data: Buffer.from([ordinal]), size_bytes: 1 };
    await insertRow(database.pool, "action_values", value);
  }
  await database.pool.query("update actions set phase = 'succeeded', ended_at = now() where ordinal = 5");
  const of = { runId, ordinal: 2 };
  const [first, third] = [0, 2].map((itemIndex) => ({ itemIndex, data: Buffer.from([3 + itemIndex]), uri: null }));
  expect(await readItemOutputs(database.pool, of, 0, 4)).toEqual([first, third]);
  expect(await readItemOutputs(database.pool, of, 0, 2)).toEqual([first]);
  expect(await readItemOutputs(database.pool, of, 2, 4)).toEqual([third]);
});

test("a recovered run knows what the other has done, a relaunched one recovers nothing", async () => {
  await insertMap();
  const columns = { reference_run_id: runId };
  const recovered = await insertRun(database.pool, workflowId, { mode: "recovered", ...columns, rerun_from: '{"n1"}' });
  const relaunched = await insertRun(database.pool, workflowId, { mode: "relaunch", ...columns });
  const child = { parent_run_id: runId, parent_ordinal: 2, parent_attempt: 1 };
  const runs = await readRunStates(database.pool, [
    recovered,
    relaunched,
    await insertRun(database.pool, workflowId, child),
  ]);
  const references = new Map(runs.map((run) => [run.runId, run.referenceRunId]));
  expect([references.get(recovered), references.get(relaunched)]).toEqual([runId, null]);
  expect(runs.map(({ parent }) => parent)).toContainEqual({ runId, ordinal: 2, attempt: 1 });
  const found = await readRunToRecover(database.pool, recovered);
  expect(found).toMatchObject({ runId, workflowId, rerunFrom: ["n1"] });
  expect(found?.actions.find(({ ordinal }) => ordinal === 4)).toMatchObject({
    itemIndex: 1,
    phase: "failed",
    parentOrdinal: 2,
  });
  expect(await readRunToRecover(database.pool, runId)).toBeUndefined();
});

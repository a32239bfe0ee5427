import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endBrokenRun } from "./end-broken-run.ts";

const BROKEN = { code: "InternalError", message: "a defect" };

let database: TestDatabase;
let workflowId: number;
beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
});
afterEach(() => database.close());

const rowsOf = async (sql: string) => (await database.pool.query(sql)).rows;

/** A run with an action in each phase, and everything that can wait for it. */
async function insertBusyRun(columns: Parameters<typeof insertRun>[2]): Promise<string> {
  const { pool } = database;
  const run_id = await insertRun(pool, workflowId, columns);
  const tenant = { project: "flytesnacks", domain: "development", changed_seq: 1 };
  const phases = ["queued", "running", "failing", "aborting", "succeeded", "skipped"];
  for (const [ordinal, phase] of phases.entries()) {
    const ended_at = ordinal < 4 ? null : new Date(1_000);
    const name = `n${ordinal}`;
    await insertRow(pool, "actions", {
      run_id,
      ordinal,
      ...tenant,
      name,
      spec_node_id: name,
      kind: "task",
      phase,
      ended_at,
    });
  }
  for (const [ordinal, phase] of ["queued", "running", "aborting", "failed", "succeeded"].entries()) {
    const ended_at = ordinal < 3 ? null : new Date(1_000);
    const error_code = phase === "failed" ? "USER:E" : null;
    const of = { run_id, ordinal, attempt: 0, shard: 0, pool: "default" };
    const token_hash = Buffer.alloc(32);
    await insertRow(pool, "attempts", {
      ...of,
      project: "flytesnacks",
      changed_seq: 1,
      queued_at: new Date(1_000),
      kind: "echo",
      phase,
      token_hash,
      ended_at,
      error_code,
    });
    await insertRow(pool, "commands", { ...of, kind: "echo" });
    await insertRow(pool, "claims", { run_id, ordinal, attempt: 0, shard: 0, agent_id: "a" });
    await insertRow(pool, "timers", { run_id, ordinal, attempt: 0, shard: 0, kind: "deadline", due_at: new Date() });
  }
  await insertRow(pool, "errands", { run_id, ordinal: 1, attempt: 0, shard: 0, kind: "gather_outputs" });
  await insertRow(pool, "events", { run_id, shard: 0, event: '{"type":"runStarted","atMs":1}' });
  return run_id;
}

test("a broken run fails with all its children ended and nothing left that waits for it", async () => {
  const other = await insertBusyRun({});
  const runId = await insertBusyRun({ phase: "running", started_at: new Date(1_000) });
  const before = await rowsOf(`select * from actions where run_id = '${other}' order by ordinal`);
  expect(await endBrokenRun(database.pool, runId, BROKEN)).toBe(true);
  expect(
    await rowsOf(
      `select phase, error_code, error_message, error_kind, version, changed_seq, ended_at > started_at as ended from runs where id = '${runId}'`,
    ),
  ).toEqual([
    {
      phase: "failed",
      error_code: "InternalError",
      error_message: "a defect",
      error_kind: "system",
      version: 1,
      changed_seq: "2",
      ended: true,
    },
  ]);
  const phases = async (table: string) =>
    (await rowsOf(`select phase from ${table} where run_id = '${runId}' order by ordinal`)).map(({ phase }) => phase);
  expect(await phases("actions")).toEqual(["aborted", "aborted", "aborted", "aborted", "succeeded", "skipped"]);
  expect(await phases("attempts")).toEqual(["aborted", "aborted", "aborted", "failed", "succeeded"]);
  expect(
    await rowsOf(`select distinct changed_seq from actions where run_id = '${runId}' and phase = 'aborted'`),
  ).toEqual([{ changed_seq: "2" }]);
  for (const table of ["claims", "commands", "timers", "errands", "events"]) {
    expect(await rowsOf(`select 1 from ${table} where run_id = '${runId}'`)).toEqual([]);
    expect(await rowsOf(`select 1 from ${table} where run_id = '${other}'`)).not.toEqual([]);
  }
  expect(await rowsOf(`select * from actions where run_id = '${other}' order by ordinal`)).toEqual(before);
});

test("a run that was failing keeps its error, one that was aborting is aborted", async () => {
  const failing = await insertBusyRun({
    phase: "failing",
    error_code: "USER:E",
    error_message: "x",
    error_kind: "user",
  });
  const aborting = await insertBusyRun({ phase: "aborting", abort_cause: "enough", abort_principal: "me" });
  for (const runId of [failing, aborting]) expect(await endBrokenRun(database.pool, runId, BROKEN)).toBe(true);
  expect(await rowsOf(`select phase, error_code, error_kind, abort_cause from runs order by phase`)).toEqual([
    { phase: "failed", error_code: "USER:E", error_kind: "user", abort_cause: null },
    { phase: "aborted", error_code: null, error_kind: null, abort_cause: "enough" },
  ]);
});

test("a run that is over or unknown is left alone", async () => {
  const runId = await insertRun(database.pool, workflowId, { phase: "succeeded", ended_at: new Date(1_000) });
  expect(await endBrokenRun(database.pool, runId, BROKEN)).toBe(false);
  expect(await endBrokenRun(database.pool, crypto.randomUUID(), BROKEN)).toBe(false);
  expect(await rowsOf("select phase, version from runs")).toEqual([{ phase: "succeeded", version: 0 }]);
});

test("the runs that a broken run launched are asked to abort, and the one that launched it is told", async () => {
  const { pool } = database;
  const parent = await insertRun(pool, workflowId, { shard: 3 });
  const of = { parent_run_id: parent, parent_ordinal: 5, parent_attempt: 1 };
  const runId = await insertRun(pool, workflowId, { phase: "running", started_at: new Date(1_000), ...of });
  const childOf = { parent_run_id: runId, parent_attempt: 0 };
  const child = await insertRun(pool, workflowId, { shard: 4, ...childOf, parent_ordinal: 2 });
  await insertRun(pool, workflowId, {
    phase: "failed",
    ended_at: new Date(),
    error_code: "E",
    ...childOf,
    parent_ordinal: 3,
  });
  expect(await endBrokenRun(pool, runId, BROKEN)).toBe(true);
  const failure = { ...BROKEN, kind: "system", recoverable: false };
  const ended = { type: "childEnded", ordinal: 5, attempt: 1, phase: "failed", failure };
  expect(await rowsOf("select run_id, shard, event from events order by shard")).toMatchObject([
    { run_id: parent, shard: 3, event: ended },
    { run_id: child, shard: 4, event: { type: "runAbortRequested", principal: "test" } },
  ]);
});

test("a parent that is over is not told", async () => {
  const parent = await insertRun(database.pool, workflowId, { phase: "succeeded", ended_at: new Date(1_000) });
  const of = { parent_run_id: parent, parent_ordinal: 5, parent_attempt: 1 };
  const runId = await insertRun(database.pool, workflowId, of);
  expect(await endBrokenRun(database.pool, runId, BROKEN)).toBe(true);
  expect(await rowsOf("select * from events")).toEqual([]);
});

import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { insertAbortRequest } from "./abort.ts";
import { abortChildRuns } from "./children.ts";

let database: TestDatabase;
let workflowId: number;
beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
});
afterEach(() => database.close());

const REQUEST = { cause: "enough", principal: "me", atMs: 1_000 };

/** A run as flytekit launches it from the eager task of another one. */
async function insertEagerRun(name: string, launchedBy: string | null, columns: object = {}): Promise<string> {
  const id = await insertRun(database.pool, workflowId, { name, ...columns });
  if (launchedBy !== null)
    await insertRow(database.pool, "run_tags", { run_id: id, tag: "eager-exec", value: launchedBy });
  return id;
}

/** Names of the runs that were asked to abort, with why. */
async function asked(): Promise<Record<string, string>> {
  const { rows } = await database.pool.query<{ name: string; cause: string }>(
    "select r.name, e.event->>'cause' as cause from events e join runs r on r.id = e.run_id order by r.name",
  );
  return Object.fromEntries(rows.map(({ name, cause }) => [name, cause]));
}

test("an abort reaches the unfinished runs that eager tasks launched, at any depth, in their tenant alone", async () => {
  const id = await insertEagerRun("top", null);
  await insertEagerRun("below", "top");
  await insertEagerRun("deeper", "below");
  await insertEagerRun("over", "top", { phase: "succeeded", ended_at: new Date(1_000) });
  await insertEagerRun("foreign", "top", { domain: "production" });
  await insertEagerRun("other", "elsewhere");
  expect(await insertAbortRequest(database.db, id, REQUEST)).toBe(true);
  expect(await asked()).toEqual({ top: "enough", below: "enough", deeper: "enough" });
});

test("a run that is over is not asked, nor is what it launched", async () => {
  const id = await insertEagerRun("top", null, { phase: "succeeded", ended_at: new Date(1_000) });
  await insertEagerRun("below", "top");
  expect(await insertAbortRequest(database.db, id, REQUEST)).toBe(false);
  expect(await asked()).toEqual({});
});

test("a child run that is aborted with its parent takes along what its eager tasks launched", async () => {
  const parent = await insertEagerRun("parent", null, { abort_principal: "me" });
  const child = { parent_run_id: parent, parent_ordinal: 2, parent_attempt: 0 };
  await insertEagerRun("child", null, child);
  await insertEagerRun("launched", "child");
  await abortChildRuns(database.pool, [{ runId: parent, ordinal: 2, attempt: 0, cause: "parent aborted" }], 1_000);
  expect(await asked()).toEqual({ child: "parent aborted", launched: "the run of its eager task was aborted" });
});

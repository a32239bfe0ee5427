import type { Changes, RunChange } from "@skein/engine";
import { createTestDatabase, insertProject, insertRun, insertWorkflow, type TestDatabase } from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commitAdvances } from "../loop/commit-advances.ts";
import { endBrokenRun } from "../loop/end-broken-run.ts";
import type { RunAdvance } from "../loop/run-advance.ts";
import { deleteNotificationRule, readRuledDomains, setNotificationRule } from "./rules.ts";

let database: TestDatabase;
let workflowId: number;
beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
});
afterEach(() => database.close());

const run: RunChange = {
  phase: "succeeded",
  startedAtMs: 1_000,
  endedAtMs: 2_000,
  failure: null,
  abortCause: null,
  abortPrincipal: null,
};
const LISTS = { newActions: [], actions: [], attempts: [], values: [], copies: [], reusedExpansions: [], commands: [] };

const end = (runId: string, more: Partial<RunAdvance>) =>
  commitAdvances(database.pool, [
    {
      ...{ runId, version: 0, changes: { run, ...LISTS, staleEvents: 0 } satisfies Changes },
      ...{ values: [], copies: [], orders: [], signals: [], expansions: [], cachePuts: [], links: [] },
      ...{ reporters: new Map(), deckUris: new Map(), cacheEntryIds: new Map() },
      ...{ parentNews: null, appliedEvents: [], eventIds: [], errandIds: [], ...more },
    },
  ]);
const endings = async (): Promise<string[]> =>
  (await database.pool.query<{ id: string }>("select run_id as id from run_endings")).rows.map(({ id }) => id);
const RULE = { org: "", project: "flytesnacks", domain: "", name: "a rule" };
const setRule = () =>
  setNotificationRule(database.db, {
    ...RULE,
    ...{ launchPlan: "", workflow: "", phases: ["failed"], kind: "email", addresses: ["a@b.example"] },
    ...{ host: "", sealed: null, createdBy: "me" },
  });

test("the commit that ends a run announces it, or neither is written", async () => {
  const [told, plain] = [await insertRun(database.pool, workflowId), await insertRun(database.pool, workflowId)];
  await expect(end(told, { isAnnounced: true, version: 7 })).rejects.toMatchObject({ code: "40001" });
  expect(await endings()).toEqual([]);
  await end(told, { isAnnounced: true });
  await end(plain, { isAnnounced: false });
  expect(await endings()).toEqual([told]);
  const { rows } = await database.pool.query("select distinct phase from runs");
  expect(rows).toEqual([{ phase: "succeeded" }]);
});

test("a broken run is announced where it, or a rule of its project, asks for that", async () => {
  const broken = { code: "InternalError", message: "a defect" };
  const endOne = async (columns: Parameters<typeof insertRun>[2]) => {
    const runId = await insertRun(database.pool, workflowId, columns);
    expect(await endBrokenRun(database.pool, runId, broken)).toBe(true);
    return runId;
  };
  await endOne({});
  expect(await endings()).toEqual([]);
  const own = await endOne({ has_notifications: true });
  await setRule();
  expect(await readRuledDomains(database.db)).toEqual([{ org: "", project: "flytesnacks", domain: "" }]);
  const ruled = await endOne({});
  expect((await endings()).sort()).toEqual([own, ruled].sort());
  expect(await deleteNotificationRule(database.db, RULE)).toBe(true);
  expect(await deleteNotificationRule(database.db, RULE)).toBe(false);
  await endOne({});
  expect(await endings()).toHaveLength(2);
});

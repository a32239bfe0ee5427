import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readChangedActions, readChangedRuns, recordWaiting } from "../index.ts";

const SENDER = { agentId: "launcher", pool: "pods" };
const TENANT = { project: "flytesnacks", domain: "development" };

let database: TestDatabase;
let runId: string;

const noteOf = (ordinal: number, reason: string) => ({ runId, ordinal, attempt: 0, reason });

/** An attempt, with the agent that claimed it, if any did. */
async function insertAttempt(ordinal: number, agentId: string | undefined, columns: Record<string, unknown> = {}) {
  const id = { run_id: runId, ordinal };
  const action = { ...TENANT, name: `n${ordinal}`, spec_node_id: "n0", kind: "task", phase: "queued", changed_seq: 0 };
  await insertRow(database.pool, "actions", { ...id, ...action });
  const attempt = { project: TENANT.project, kind: "container", phase: "queued", pool: "pods", shard: 0 };
  const times = { queued_at: new Date(), changed_seq: 1, token_hash: Buffer.from("x") };
  await insertRow(database.pool, "attempts", { ...id, attempt: 0, ...attempt, ...times, ...columns } as never);
  if (agentId === undefined) return;
  await insertRow(database.pool, "claims", { ...id, attempt: 0, agent_id: agentId, shard: 0 });
}

async function reasons(): Promise<Record<number, string | null>> {
  const { rows } = await database.pool.query<{ ordinal: number; reason: string | null }>(
    "select ordinal, waiting_reason as reason from attempts",
  );
  return Object.fromEntries(rows.map(({ ordinal, reason }) => [ordinal, reason]));
}

beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  runId = await insertRun(database.pool, await insertWorkflow(database.pool));
});
afterEach(() => database.close());

test("a reason is kept for queued attempts that are the agent's or nobody's, and for no others", async () => {
  await insertAttempt(2, "launcher");
  await insertAttempt(3, undefined);
  await insertAttempt(4, "another");
  await insertAttempt(5, "launcher", { phase: "running", started_at: new Date() });
  await insertAttempt(6, undefined, { pool: "other" });
  const notes = [2, 3, 4, 5, 6, 7].map((ordinal) => noteOf(ordinal, "ImagePullBackOff"));
  expect(await recordWaiting(database.pool, SENDER, notes)).toBe(true);
  expect(await reasons()).toEqual({ 2: "ImagePullBackOff", 3: "ImagePullBackOff", 4: null, 5: null, 6: null });
});

test("only news wakes those who watch the run; the last word about an attempt counts", async () => {
  await insertAttempt(2, "launcher");
  await insertAttempt(3, "launcher");
  const sequence = async () => (await readChangedRuns(database.pool, [runId])).get(runId) ?? 0;
  const before = await sequence();
  const notes = [noteOf(2, "Pending"), noteOf(2, "Unschedulable: 0/1 nodes are available")];
  expect(await recordWaiting(database.pool, SENDER, notes)).toBe(true);
  expect(await sequence()).toBe(before + 1);
  const changed = await readChangedActions(database.db, runId, { sequence: before, ordinal: -1 }, 10);
  expect(changed.map(({ ordinal }) => ordinal)).toEqual([2]);
  expect(await recordWaiting(database.pool, SENDER, notes.slice(1))).toBe(false);
  expect(await sequence()).toBe(before + 1);
  expect(await recordWaiting(database.pool, SENDER, [noteOf(2, "")])).toBe(true);
  expect(await reasons()).toEqual({ 2: null, 3: null });
});

import { create } from "@bufbuild/protobuf";
import { PLAIN_SETTINGS } from "@skein/db";
import { toBytes } from "@skein/idl";
import {
  AnnotationsSchema,
  type LaunchPlanSpec,
  LaunchPlanSpecSchema,
  TaskSpecSchema,
  WorkflowSpecSchema,
} from "@skein/idl/admin";
import { chainOf, commandTask, insertRow, launchPlanOf, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";
import { openTestTrpc, type TestTrpc } from "../testing/trpc-client.ts";

const TASK = commandTask("command", ["true"], { inputs: ["x"], outputs: ["x"] });
const WORKFLOW = chainOf("chain", TASK, 2);
const POOL = "default";

let api: TestApi;
let client: TestTrpc;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const versionOf = (name: string) => ({ ...TEST_TENANT, name, version: "v1" });
beforeAll(async () => {
  api = await startTestApi();
  client = openTestTrpc(api.url);
  if (!TASK.spec || !WORKFLOW.spec) throw new Error("specs are missing");
  await client.tasks.create.mutate({ ...versionOf("command"), specProto: base64(toBytes(TaskSpecSchema, TASK.spec)) });
  await client.workflows.create.mutate({
    ...versionOf("chain"),
    specProto: base64(toBytes(WorkflowSpecSchema, WORKFLOW.spec)),
  });
});
afterAll(() => api.close());

function register(name: string, annotations: Record<string, string>): Promise<unknown> {
  const spec: LaunchPlanSpec = launchPlanOf(WORKFLOW).spec ?? create(LaunchPlanSpecSchema);
  spec.annotations = create(AnnotationsSchema, { values: annotations });
  return client.launchPlans.create.mutate({
    ...versionOf(name),
    specProto: base64(toBytes(LaunchPlanSpecSchema, spec)),
  });
}
const launch = (name: string, plan: string, more: { priority?: number; labels?: Record<string, string> } = {}) =>
  client.runs.launch.mutate({ ...TEST_TENANT, name, launchPlan: versionOf(plan), inputs: { x: 1 }, ...more });
async function rowOf<T>(sql: string, values: unknown[] = []): Promise<T | undefined> {
  return (await api.database.pool.query(sql, values)).rows[0] as T | undefined;
}
const priorityOf = async (name: string) =>
  (await rowOf<{ priority: number }>("select priority from runs where name = $1", [name]))?.priority;
const whyOf = (name: string, action?: string) =>
  client.runs.why.query({ ...TEST_TENANT, name, ...(action ? { action } : {}) });

test("a launch plan's words about the order of its runs are refused where they cannot be read", async () => {
  const refused = (reason: string) => ({ message: expect.stringContaining(reason) });
  await expect(register("bad", { "skein.dev/priority": "high" })).rejects.toMatchObject(refused("skein.dev/priority"));
  await expect(register("bad", { "skein.dev/priority": "101" })).rejects.toMatchObject(refused("from -100 to 100"));
  await expect(register("bad", { "skein.dev/concurrency": "wait" })).rejects.toMatchObject(
    refused("skip, queue, replace"),
  );
  await expect(register("bad", { "skein.dev/concurrency": "queue" })).rejects.toMatchObject(refused("concurrency-max"));
  await expect(register("bad", { "skein.dev/concurrency-max": "0" })).rejects.toMatchObject(
    refused("from 1 to 1000000"),
  );
});

test("a run's priority is its own, its label's or its launch plan's, and can be changed until it is over", async () => {
  await register("urgent", { "skein.dev/priority": "7" });
  await launch("planned", "urgent");
  await launch("labelled", "urgent", { labels: { "skein.dev/priority": "-3" } });
  await launch("own", "urgent", { priority: 50 });
  expect(await Promise.all(["planned", "labelled", "own"].map(priorityOf))).toEqual([7, -3, 50]);
  await expect(launch("bad", "urgent", { labels: { "skein.dev/priority": "x" } })).rejects.toThrow(
    "skein.dev/priority",
  );
  await client.runs.setPriority.mutate({ ...TEST_TENANT, name: "planned", priority: 20 });
  expect(await priorityOf("planned")).toBe(20);
  await api.database.pool.query("update runs set phase = 'aborted', ended_at = now() where name = 'planned'");
  await expect(client.runs.setPriority.mutate({ ...TEST_TENANT, name: "planned", priority: 1 })).rejects.toThrow(
    "over",
  );
  // A run that repeats it is as urgent.
  await client.runs.relaunch.mutate({ ...TEST_TENANT, name: "own", newName: "again" });
  expect(await priorityOf("again")).toBe(50);
});

test("a new priority reaches child runs, and orders that are not in the queue yet", async () => {
  const run = await rowOf<{ id: string; workflow_id: string }>("select id, workflow_id from runs where name = 'own'");
  const ids = { project: TEST_TENANT.project, domain: TEST_TENANT.domain, workflow_id: Number(run?.workflow_id) };
  const rest = {
    shard: 0,
    mode: "child_workflow",
    principal: "me",
    spec: Buffer.alloc(0),
    priority: PLAIN_SETTINGS.priority,
  };
  const child = {
    id: crypto.randomUUID(),
    name: "own-child",
    parent_run_id: run?.id ?? "",
    parent_ordinal: 2,
    parent_attempt: 0,
  };
  await insertRow(api.database.pool, "runs", { ...ids, ...rest, ...child });
  const order = { run_id: child.id, attempt: 0, shard: 0, project: TEST_TENANT.project, pool: "p", kind: "container" };
  await insertRow(api.database.pool, "commands", { ...order, ordinal: 2 });
  await insertRow(api.database.pool, "commands", { ...order, ordinal: 3, published_at: new Date() });
  await client.runs.setPriority.mutate({ ...TEST_TENANT, name: "own", priority: -1 });
  expect(await priorityOf("own-child")).toBe(-1);
  const { rows } = await api.database.pool.query(
    "select ordinal, priority from commands where pool = 'p' order by ordinal",
  );
  expect(rows).toEqual([
    { ordinal: 2, priority: -1 },
    { ordinal: 3, priority: 0 },
  ]);
});

test("people decide how many runs of a launch plan there may be, and who waits is told its place", async () => {
  await register("nightly", {});
  const plan = { ...TEST_TENANT, name: "nightly" };
  expect(await client.launchPlans.getConcurrency.query(plan)).toBeNull();
  expect(await client.launchPlans.setConcurrency.mutate({ ...plan, max: 1 })).toEqual({ max: 1, whenFull: "queue" });
  await expect(client.launchPlans.setConcurrency.mutate({ ...plan, name: "none", max: 1 })).rejects.toThrow(
    "does not exist",
  );
  for (const name of ["night-1", "night-2", "night-3"]) await launch(name, "nightly");
  expect(await whyOf("night-3")).toEqual({
    run: "It is number 2 of 2 runs that wait for launch plan nightly, which may have 1 unfinished run.",
    actions: [],
    hasMore: false,
  });
  await client.runs.setPriority.mutate({ ...TEST_TENANT, name: "night-3", priority: 1 });
  expect((await whyOf("night-3")).run).toContain("number 1 of 2");
  expect((await whyOf("night-1")).run).toBe("It was just launched: the scheduler has not begun it yet.");
  expect(await client.launchPlans.setConcurrency.mutate({ ...plan, max: null })).toBeNull();
});

test("a launch plan may let its launches wait itself", async () => {
  await register("hourly", { "skein.dev/concurrency": "queue", "skein.dev/concurrency-max": "1" });
  for (const name of ["hour-1", "hour-2"]) await launch(name, "hourly");
  expect((await whyOf("hour-2")).run).toContain("number 1 of 1");
});

test("shares of a pool are set, shown and taken back", async () => {
  const share = { pool: POOL, project: TEST_TENANT.project, weight: 2, runningMax: 1 };
  await client.pools.setShare.mutate(share);
  expect(await client.pools.shares.query({ pool: POOL })).toEqual({ items: [share] });
  await expect(client.pools.setShare.mutate({ ...share, project: "nobody" })).rejects.toThrow("does not exist");
  await client.pools.clearShare.mutate({ pool: POOL, project: TEST_TENANT.project });
  expect(await client.pools.shares.query({})).toEqual({ items: [] });
});

test("each step that does not run has a reason: its place, its pool, or the steps before it", async () => {
  await launch("stuck", "nightly");
  const { pool } = api.database;
  const runId = (await rowOf<{ id: string }>("select id from runs where name = 'stuck'"))?.id ?? "";
  await pool.query("update runs set phase = 'running', started_at = now() where id = $1", [runId]);
  const action = { run_id: runId, ...TEST_TENANT, changed_seq: 1, spec_node_id: "n0" };
  await insertRow(pool, "actions", { ...action, ordinal: 2, name: "n0", kind: "task", phase: "queued", attempts: 1 });
  await insertRow(pool, "actions", {
    ...action,
    ordinal: 4,
    name: "wait",
    kind: "gate",
    phase: "running",
    attempts: 0,
  });
  await insertRow(pool, "signals", {
    run_id: runId,
    ordinal: 4,
    signal_id: "go",
    is_approval: true,
    type: Buffer.alloc(0),
  });
  const attempt = {
    run_id: runId,
    ordinal: 2,
    attempt: 0,
    project: TEST_TENANT.project,
    shard: 0,
    pool: POOL,
    kind: "container",
  };
  const rest = { phase: "queued", token_hash: Buffer.alloc(32), queued_at: new Date(), changed_seq: 1 };
  await insertRow(pool, "attempts", { ...attempt, ...rest });
  await insertRow(pool, "commands", attempt);
  const approval = {
    name: "wait",
    kind: "gate",
    reason: 'It waits for approval go: give it with "skein signal stuck go".',
  };
  expect(await whyOf("stuck")).toEqual({
    run: null,
    actions: [{ name: "n0", kind: "task", reason: "No agent serves pool default." }, approval],
    hasMore: false,
  });
  expect((await whyOf("stuck", "wait")).actions).toEqual([approval]);
  expect((await whyOf("stuck", "n1")).actions).toEqual([
    { name: "n1", kind: "task", reason: "It waits for n0 to end." },
  ]);
  await expect(whyOf("stuck", "nowhere")).rejects.toThrow("nowhere");
  await client.pools.setShare.mutate({ pool: POOL, project: TEST_TENANT.project, weight: 1, runningMax: 0 });
  expect((await whyOf("stuck", "n0")).actions[0]?.reason).toBe(
    `Project ${TEST_TENANT.project} may have nothing under way in pool default.`,
  );
});

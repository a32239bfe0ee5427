import { randomUUID } from "node:crypto";
import { insertRow, insertRun, insertWorkflow, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";

const OTHER = { project: "other", domain: "development" };

let api: TestApi;
let workflowId: number;
beforeAll(async () => {
  api = await startTestApi(
    { projects: [TEST_TENANT.project, OTHER.project] },
    { policy: (_caller, permission, { project }) => permission !== "data:write" || project !== OTHER.project },
  );
  workflowId = await insertWorkflow(api.database.pool);
});
afterAll(() => api.close());

async function call(procedure: string, input: object): Promise<unknown> {
  const response = await fetch(`${api.url}/trpc/${procedure}`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(input),
  });
  const answer = (await response.json()) as { result?: { data: unknown } };
  return answer.result?.data ?? response.status;
}

/** An entry of the task, and an action of a new run that made it. Answers the run's name. */
async function cachedRun(task: string, tenant: { project: string; domain: string } = TEST_TENANT): Promise<string> {
  const { pool } = api.database;
  const id = randomUUID();
  const dataset = { ...tenant, dataset_name: `flyte_task-${task}`, dataset_version: "1.0-aaaaaaaa-bbbbbbbb" };
  await insertRow(pool, "cache_entries", { id, ...dataset, data: Buffer.of(), size_bytes: 0 });
  await insertRow(pool, "cache_tags", { ...dataset, tag: id, entry_id: id });
  const name = `r${id.slice(0, 8)}`;
  const runId = await insertRun(pool, workflowId, { name });
  await insertRow(pool, "actions", {
    run_id: runId,
    ordinal: 2,
    ...TEST_TENANT,
    name: "n0",
    spec_node_id: "n0",
    kind: "task",
    phase: "succeeded",
    ended_at: new Date(),
    cache_status: "populated",
    cache_entry_id: id,
    changed_seq: 1,
  });
  return name;
}

async function statusOf(run: string): Promise<string> {
  const { rows } = await api.database.pool.query<{ cache_status: string }>(
    "select cache_status from actions join runs on runs.id = run_id where runs.name = $1",
    [run],
  );
  return rows[0]?.cache_status ?? "none";
}

test("a task's outputs are evicted, all or those of a cache version", async () => {
  const run = await cachedRun("square");
  const task = { ...TEST_TENANT, task: "square" };
  expect(await call("cache.evict", { ...task, version: "2.0" })).toEqual({ evicted: 0 });
  expect(await statusOf(run)).toBe("populated");
  expect(await call("cache.evict", { ...task, version: "1.0" })).toEqual({ evicted: 1 });
  expect(await statusOf(run)).toBe("evicted");
  const [second, cube] = [await cachedRun("square"), await cachedRun("cube")];
  expect(await call("cache.evict", task)).toEqual({ evicted: 1 });
  expect([await statusOf(second), await statusOf(cube)]).toEqual(["evicted", "populated"]);
});

test("a run's outputs are evicted; a run that does not exist has none", async () => {
  const [run, other] = [await cachedRun("square"), await cachedRun("square")];
  expect(await call("cache.evictRun", { ...TEST_TENANT, name: run })).toEqual({ evicted: 1 });
  expect([await statusOf(run), await statusOf(other)]).toEqual(["evicted", "populated"]);
  expect(await call("cache.evictRun", { ...TEST_TENANT, name: "no-such-run" })).toBe(404);
});

test("who may not write a project's data evicts none of it, also where a run of another project took it", async () => {
  const run = await cachedRun("theirs", OTHER);
  expect(await call("cache.evict", { ...OTHER, task: "theirs" })).toBe(403);
  expect(await call("cache.evictRun", { ...TEST_TENANT, name: run })).toBe(403);
  expect(await statusOf(run)).toBe("populated");
});

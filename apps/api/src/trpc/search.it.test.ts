import { insertLaunchPlan, insertRow, insertRun, insertTask, insertWorkflow } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";
import { openTestTrpc, type TestTrpc } from "../testing/trpc-client.ts";

const project = "flytesnacks";
let api: TestApi;
let people: TestTrpc;
let workflow: number;

type Search = Parameters<TestTrpc["runs"]["search"]["query"]>[0];
const search = async (filter: Partial<Search> = {}) =>
  (await people.runs.search.query({ project, ...filter })).items.map(({ name }) => name);

/** `hour` of the day on which it was created. */
async function addRun(name: string, hour: number, columns: Parameters<typeof insertRun>[2] = {}): Promise<string> {
  const created_at = new Date(Date.UTC(2026, 0, 1, hour));
  return insertRun(api.database.pool, workflow, { name, created_at, ...columns });
}

const endedAfter = (hour: number, seconds: number) => {
  const started_at = new Date(Date.UTC(2026, 0, 1, hour));
  return { started_at, ended_at: new Date(started_at.getTime() + seconds * 1_000) };
};

beforeAll(async () => {
  api = await startTestApi();
  people = openTestTrpc(`http://${api.address}`);
  const { pool } = api.database;
  workflow = await insertWorkflow(pool, { name: "geese.fly", version: "v1" });
  const newer = await insertWorkflow(pool, { name: "geese.fly", version: "v2" });
  const plan = await insertLaunchPlan(pool, newer, { name: "daily", version: "v2" });
  const task = await insertTask(pool, { name: "honk", version: "v7" });
  const hidden = await insertWorkflow(pool, { name: ".flytegen.honk", version: "v7" });
  const failed = { phase: "failed", error_code: "OOMKilled", error_message: "too much", error_kind: "user" };
  const tagged = await addRun("a", 1, {
    phase: "succeeded",
    ...endedAfter(1, 10),
    found_inputs: '{"x":5,"n":"gander"}',
  });
  await addRun("b", 2, { ...failed, ...endedAfter(3, 100), found_inputs: '{"x":7,"n":"goose"}', principal: "ann" });
  const labelled = await addRun("c", 3, { domain: "production", found_inputs: '{"x":"9223372036854775807"}' });
  await addRun("d", 4, { workflow_id: newer, launch_plan_id: plan, mode: "scheduled" });
  await addRun("e", 5, { workflow_id: hidden, task_id: task, domain: "staging" });
  await addRun("f", 6, { state: "archived" });
  await addRun("g", 7, { state: "purged", phase: "succeeded", ...endedAfter(7, 1) });
  await addRun("z", 1, { project: "another", found_inputs: '{"x":5}' });
  await insertRow(pool, "run_tags", { run_id: tagged, tag: "nightly" });
  await insertRow(pool, "run_tags", { run_id: labelled, tag: "team", value: "ducks" });
  await insertRow(pool, "run_tags", { run_id: labelled, tag: "tier", value: "gold" });
});
afterAll(() => api?.close());

test("a project's runs are one list over its domains, the newest first, without archived ones", async () => {
  expect(await search()).toEqual(["e", "d", "c", "b", "a"]);
  expect(await search({ states: ["archived", "active"], domain: "development" })).toEqual(["f", "d", "b", "a"]);
  expect(await search({ order: "asc", limit: 2 })).toEqual(["a", "b"]);
});

test.each<[string, Partial<Search>, string[]]>([
  ["phases", { phases: ["failed", "succeeded"] }, ["b", "a"]],
  ["mode", { modes: ["scheduled"] }, ["d"]],
  ["principal", { principals: ["ann"] }, ["b"]],
  ["several principals", { principals: ["ann", "bob"] }, ["b"]],
  ["error", { errorCodes: ["OOMKilled"], errorKind: "user" }, ["b"]],
  ["workflow", { workflow: "geese.fly" }, ["d", "c", "b", "a"]],
  ["a workflow's version", { workflow: "geese.fly", version: "v1" }, ["c", "b", "a"]],
  ["launch plan", { launchPlan: "daily", version: "v2" }, ["d"]],
  ["task", { task: "honk", version: "v7" }, ["e"]],
  ["another version of a task", { task: "honk", version: "v8" }, []],
  ["tag", { tags: ["nightly", "weekly"] }, ["a"]],
  ["several labels", { labels: { team: "ducks", tier: "gold" } }, ["c"]],
  ["a label with any value", { labels: { team: "" } }, ["c"]],
  ["another value of a label", { labels: { team: "ducks", tier: "iron" } }, []],
  ["time of creation", { createdAfter: "2026-01-01T03:00:00+01:00", createdBefore: "2026-01-01T03:00:00Z" }, ["b"]],
  ["time of the start", { startedAfter: "2026-01-01T02:00:00Z" }, ["b"]],
  ["time of the end", { endedBefore: "2026-01-01T02:00:00Z" }, ["a"]],
  ["duration", { durationMin: 100, durationMax: 100 }, ["b"]],
  ["a part of the name", { nameContains: "B" }, []],
  ["an input", { inputs: [{ name: "x", value: 5 }] }, ["a"]],
  ["an input as text", { inputs: [{ name: "x", value: "5" }] }, []],
  ["one of several values", { inputs: [{ name: "x", value: [7, "7", 5] }] }, ["b", "a"]],
  ["a large integer", { inputs: [{ name: "x", value: "9223372036854775807" }] }, ["c"]],
  ["an input in a range", { inputs: [{ name: "x", operator: "gt", value: 5 }] }, ["b"]],
  [
    "two inputs",
    {
      inputs: [
        { name: "x", operator: "gte", value: 5 },
        { name: "n", value: "goose" },
      ],
    },
    ["b"],
  ],
  ["a part of an input", { inputs: [{ name: "n", operator: "contains", value: "and" }] }, ["a"]],
  ["what only looks like a pattern", { inputs: [{ name: "n", operator: "contains", value: "%" }] }, []],
])("runs are found by %s", async (_, filter, names) => {
  expect(await search(filter)).toEqual(names);
});

test.each(["createdAt", "startedAt", "duration"] as const)(
  "pages by %s hold every run once, both ways",
  async (sort) => {
    for (const order of ["desc", "asc"] as const) {
      const whole = await search({ sort, order });
      expect(whole).toHaveLength(5);
      const paged: string[] = [];
      for (let cursor: string | null = null, page = 0; page === 0 || cursor !== null; page++) {
        const answer = await people.runs.search.query({ project, sort, order, limit: 2, cursor });
        paged.push(...answer.items.map(({ name }) => name));
        cursor = answer.nextCursor;
      }
      expect([order, paged]).toEqual([order, whole]);
    }
    const [longest] = await search({ sort, limit: 1 });
    expect(longest).toBe(sort === "createdAt" ? "e" : "b");
  },
);

test("a page begins behind the last one although runs started and were deleted in between", async () => {
  const first = await people.runs.search.query({ project, limit: 2 });
  const id = await addRun("new", 9);
  await api.database.pool.query("update runs set state = 'archived' where name = 'd'");
  const second = await people.runs.search.query({ project, limit: 2, cursor: first.nextCursor });
  expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(["e", "d", "c", "b"]);
  await api.database.pool.query("delete from runs where id = $1", [id]);
  await api.database.pool.query("update runs set state = 'active' where name = 'd'");
});

test("phases are counted", async () => {
  const counts = { phases: { queued: 3, succeeded: 1, failed: 1 }, total: 5, isCut: false };
  expect(await people.runs.count.query({ project })).toEqual(counts);
  const inputs = [{ name: "x", value: 5 }];
  expect(await people.runs.count.query({ project, inputs })).toMatchObject({ phases: { succeeded: 1 }, total: 1 });
});

test.each<[string, Record<string, unknown>]>([
  ["cursor", { cursor: "nonsense" }],
  ["cursor", { cursor: Buffer.from('["duration","desc",1,"x"]').toString("base64url") }],
  [
    "sort in the same way",
    { cursor: Buffer.from('["duration","desc",1,"0198d6a4-4c6b-7b53-8000-000000000000"]').toString("base64url") },
  ],
  ["createdAfter", { createdAfter: "yesterday" }],
  ["inputs.0.value", { inputs: [{ name: "x", value: "a\u0000" }] }],
  ["inputs.x", { inputs: [{ name: "x", operator: "gt", value: [1, 2] }] }],
  ["phases", { phases: ["BROKEN"] }],
  ["sort", { sort: "name; drop table runs" }],
])("what cannot be searched for is refused by name: %s", async (field, filter) => {
  const failure = await search(filter as Partial<Search>).catch((error: unknown) => error);
  expect(failure).toMatchObject({ data: { skein: { code: "invalid_argument" } } });
  expect(String(failure)).toContain(field);
});

test("a purged run is not there for anybody", async () => {
  const id = { project, domain: "development", name: "g" };
  await expect(people.runs.get.query(id)).rejects.toMatchObject({ data: { skein: { code: "not_found" } } });
  const { items } = await people.runs.list.query({ project, domain: "development" });
  expect(items.map(({ name }) => name)).not.toContain("g");
});

import { insertRun, insertWorkflow } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";
import { openTestTrpc, type TestTrpc } from "../testing/trpc-client.ts";

const tenant = { project: "flytesnacks", domain: "development" };
let api: TestApi;
let people: TestTrpc;
let workflow: number;

beforeAll(async () => {
  api = await startTestApi();
  people = openTestTrpc(`http://${api.address}`);
  workflow = await insertWorkflow(api.database.pool);
});
afterAll(() => api?.close());

const over = { phase: "succeeded", ended_at: new Date() };
const refused = (code: string, reason: string) => ({ data: { skein: { code, reason } } });

test("a deleted run is gone for everybody, and its purge can be followed", async () => {
  const parent = await insertRun(api.database.pool, workflow, { name: "parent", ...over });
  const child = { parent_run_id: parent, parent_ordinal: 2, parent_attempt: 0 };
  await insertRun(api.database.pool, workflow, { name: "kid", ...over, ...child });
  const id = { ...tenant, name: "parent" };
  const { runs } = await people.runs.delete.mutate({ ...id, withChildren: true });
  expect(runs.map(({ name }) => name)).toEqual(["kid", "parent"]);
  await expect(people.runs.get.query(id)).rejects.toMatchObject(refused("not_found", "run_not_found"));
  await expect(people.runs.delete.mutate(id)).rejects.toMatchObject(refused("not_found", "run_not_found"));

  const first = await people.purges.list.query({ project: tenant.project, limit: 1 });
  const waits = { kind: "run", requestedBy: "anonymous", isRetention: false, objectsDeleted: 0, endedAt: null };
  expect(first.items).toMatchObject([{ ...tenant, ...waits }]);
  const rest = await people.purges.list.query({ ...tenant, isOpen: true, limit: 5, cursor: first.nextCursor });
  expect([...first.items, ...rest.items].map(({ name }) => name).sort()).toEqual(["kid", "parent"]);
  expect(rest.nextCursor).toBeNull();
  expect((await people.purges.list.query({ ...tenant, isOpen: false })).items).toEqual([]);
});

test("a run that somebody needs is not deleted", async () => {
  await insertRun(api.database.pool, workflow, { name: "going", phase: "running" });
  const going = people.runs.delete.mutate({ ...tenant, name: "going" });
  await expect(going).rejects.toMatchObject(refused("failed_precondition", "run_not_over"));
  await expect(going).rejects.toThrow("is not over");
  const old = await insertRun(api.database.pool, workflow, { name: "old", ...over });
  await insertRun(api.database.pool, workflow, { name: "new", mode: "recovered", reference_run_id: old });
  const needed = people.runs.delete.mutate({ ...tenant, name: "old" });
  await expect(needed).rejects.toMatchObject(refused("failed_precondition", "run_needed"));
});

test("a project says how long it keeps runs, and a domain may say otherwise", async () => {
  const { project } = tenant;
  await people.retention.set.mutate({ project, runDays: 90, objectDays: 30 });
  await people.retention.set.mutate({ ...tenant, objectDays: 7 });
  const { items } = await people.retention.get.query({ project });
  expect(items).toMatchObject([
    { domain: null, runDays: 90, objectDays: 30, changedBy: "anonymous" },
    { domain: "development", runDays: null, objectDays: 7 },
  ]);
  await people.retention.clear.mutate(tenant);
  expect((await people.retention.get.query({ project })).items).toHaveLength(1);
});

test.each([
  ["objectDays", { ...tenant, runDays: 5, objectDays: 6 }, "invalid_argument"],
  ["runDays", { ...tenant, runDays: 0 }, "invalid_argument"],
  ["domain", { project: tenant.project, domain: "nowhere", runDays: 1 }, "not_found"],
  ["nobody", { project: "nobody", runDays: 1 }, "not_found"],
])("a rule that cannot be is refused: %s", async (named, rule, code) => {
  const answer = people.retention.set.mutate(rule);
  await expect(answer).rejects.toMatchObject({ data: { skein: { code } } });
  await expect(answer).rejects.toThrow(named);
});

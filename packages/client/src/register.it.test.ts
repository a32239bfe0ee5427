import { type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { type Api, ApiConfig, startApi } from "@skein/api/start";
import { signRunToken } from "@skein/api/tokens";
import { LaunchPlanSpecSchema, TaskSpecSchema, WorkflowSpecSchema } from "@skein/idl/admin";
import {
  chainOf,
  createTempFolder,
  createTestDatabase,
  echoTask,
  insertRow,
  insertRun,
  insertWorkflow,
  launchPlanOf,
  TEST_TENANT,
  type TestDatabase,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSkeinClient, type SkeinClient } from "./client.ts";
import { errorCodeOf } from "./error-code.ts";

const SECRET_KEY = "a-secret-key-of-more-than-32-characters";

let database: TestDatabase;
let folder: { path: string; close(): Promise<void> };
let api: Api;
let client: SkeinClient;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = createTempFolder("client");
  const storage = `file://${folder.path}`;
  const config = ApiConfig.parse({ databaseUrl: database.url, storage, secretKey: SECRET_KEY, logLevel: "silent" });
  api = await startApi({ ...config, port: 0, grpcPort: "off" });
  client = createSkeinClient({ url: api.url });
  await insertRow(database.pool, "shards", { id: 0 });
});
afterAll(async () => {
  await api.close();
  await folder.close();
  await database.close();
});

const idOf = (name: string, version = "v1") => ({ ...TEST_TENANT, name, version });
const task = echoTask("echo");
const workflow = chainOf("chain", task, 2);
const plan = launchPlanOf(workflow);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

const taskJson = () => {
  if (!task.spec) throw new Error("the task has no spec");
  return toJson(TaskSpecSchema, task.spec) as { template: JsonObject };
};

test("a task, a workflow and its launch plan are registered from JSON and from bytes, and launched", async () => {
  const { spec: workflowSpec } = workflow;
  const { spec: planSpec } = plan;
  if (!workflowSpec || !planSpec) throw new Error("the workflow has no spec");
  expect(await client.tasks.create.mutate({ ...idOf("echo"), spec: taskJson() })).toEqual(idOf("echo"));
  const specProto = base64(toBinary(WorkflowSpecSchema, workflowSpec));
  await client.workflows.create.mutate({ ...idOf("chain"), specProto });
  const spec = toJson(LaunchPlanSpecSchema, planSpec, { useProtoFieldName: true }) as JsonObject;
  await client.launchPlans.create.mutate({ ...idOf("chain"), spec });

  expect(await client.tasks.getSpec.query(idOf("echo"))).toMatchObject({ template: { type: "echo" } });
  expect(await client.workflows.getSpec.query(idOf("chain"))).toMatchObject({
    template: { nodes: [{ id: "n0" }, {}] },
  });
  const compiled = await client.workflows.getCompiled.query(idOf("chain"));
  expect(compiled).toMatchObject({ primary: { connections: { downstream: { n0: { ids: ["n1"] } } } } });

  const active = { ...TEST_TENANT, name: "chain" };
  await expect(client.launchPlans.getActive.query(active)).rejects.toThrow("No version of launch plan");
  await client.launchPlans.setState.mutate({ ...idOf("chain"), state: "active" });
  expect(await client.launchPlans.getActive.query(active)).toMatchObject({
    version: "v1",
    inputs: { x: { isRequired: true } },
  });
  expect(await client.launchPlans.getSpec.query(idOf("chain"))).toMatchObject({ workflowId: { name: "chain" } });
  expect((await client.launchPlans.list.query({ ...TEST_TENANT, state: "active" })).items).toHaveLength(1);
  expect((await client.launchPlans.list.query({ ...TEST_TENANT, state: "inactive" })).items).toEqual([]);
  const run = await client.runs.launch.mutate({ ...TEST_TENANT, launchPlan: { name: "chain" }, inputs: { x: 1 } });
  expect(await client.runs.get.query(run)).toMatchObject({
    reference: null,
    spec: { launchPlan: { resourceType: "LAUNCH_PLAN", name: "chain", version: "v1" } },
  });
});

test("a version that exists is told apart from one that differs", async () => {
  await client.tasks.create.mutate({ ...idOf("twice"), spec: taskJson() });
  const again = client.tasks.create.mutate({ ...idOf("twice"), spec: taskJson() });
  expect(await again.catch(errorCodeOf)).toBe("already_exists");
  const { template } = taskJson();
  const other = client.tasks.create.mutate({ ...idOf("twice"), spec: { template: { ...template, type: "other" } } });
  expect(await other.catch(errorCodeOf)).toBe("invalid_argument");
  expect(errorCodeOf(new Error("no answer"))).toBeUndefined();
});

test("a spec that is none, both, broken or holds a field of nobody is refused by name", async () => {
  const create = (input: object) => client.tasks.create.mutate({ ...idOf("bad"), ...input });
  await expect(create({})).rejects.toThrow("spec: give spec or specProto");
  await expect(create({ spec: {}, specProto: "" })).rejects.toThrow("spec: give spec or specProto");
  await expect(create({ spec: ["x"] })).rejects.toThrow("spec: must be an object");
  await expect(create({ spec: { templat: {} } })).rejects.toThrow(
    'spec: cannot decode message flyteidl.admin.TaskSpec from JSON: key "templat" is unknown',
  );
  await expect(create({ spec: { template: { kind: "x" } } })).rejects.toThrow('key "kind" is unknown');
  await expect(create({ spec: { template: { type: 5 } } })).rejects.toThrow(/^spec: .*flyteidl.core.TaskTemplate.type/);
  await expect(create({ specProto: "?" })).rejects.toThrow("specProto: must be the serialized message in base64");
  await expect(create({ specProto: base64(Buffer.from([0x0a, 0xff])) })).rejects.toThrow(/^specProto: /);
  await expect(create({ spec: {} })).rejects.toThrow("spec.template is missing");
});

test("a project is registered, changed and archived; what is left out stays", async () => {
  await client.projects.register.mutate({ project: "shop", description: "sells", labels: { team: "a" } });
  await client.projects.update.mutate({ project: "shop", name: "Shop" });
  const shown = { id: "shop", name: "Shop", description: "sells", labels: { team: "a" }, state: "active" };
  expect(await client.projects.get.query({ project: "shop" })).toEqual(shown);
  await client.projects.update.mutate({ project: "shop", state: "archived" });
  expect(await client.projects.get.query({ project: "shop" })).toMatchObject({ state: "archived", name: "Shop" });
  const inShop = { project: "shop", domain: "development", name: "echo", version: "v1" };
  await expect(client.tasks.create.mutate({ ...inShop, spec: taskJson() })).rejects.toThrow("shop is archived");
  await expect(client.projects.register.mutate({ project: "shop" })).rejects.toThrow("exists already");
  await expect(client.projects.register.mutate({ project: "Shop!" })).rejects.toThrow("project.id");
  await expect(client.projects.get.query({ project: "none" })).rejects.toThrow("Project none does not exist");
  const stranger = { project: "shop", state: "gone" } as unknown as { project: string };
  await expect(client.projects.update.mutate(stranger)).rejects.toThrow("state: must be active or archived");
});

test("a name over its versions is listed, described and archived", async () => {
  await client.tasks.create.mutate({ ...idOf("named"), spec: taskJson() });
  await client.runs.launch.mutate({ ...TEST_TENANT, task: { name: "named" }, inputs: { x: 1 } });
  const name = { ...TEST_TENANT, kind: "task" as const, name: "named" };
  await client.namedEntities.update.mutate({ ...name, description: "says it again", state: "archived" });
  expect(await client.namedEntities.get.query(name)).toEqual({
    ...TEST_TENANT,
    name: "named",
    description: "says it again",
    state: "archived",
  });
  const list = async (more: object) => {
    const { items } = await client.namedEntities.list.query({ ...TEST_TENANT, kind: "task", ...more });
    return items.map((item) => item.name);
  };
  expect(await list({ state: "archived" })).toEqual(["named"]);
  expect(await list({ state: "active" })).not.toContain("named");
  expect((await list({ kind: "workflow" })).filter((hidden) => hidden.startsWith(".flytegen."))).toEqual([]);
  await expect(list({ kind: "cat" })).rejects.toThrow("kind: must be task, workflow or launch_plan");
  await expect(client.namedEntities.get.query({ ...name, name: "none" })).rejects.toThrow(
    "There is no task named none",
  );
});

test("a run is archived and brought back, and its repetition names it", async () => {
  await client.tasks.create.mutate({ ...idOf("kept"), spec: taskJson() });
  const run = await client.runs.launch.mutate({ ...TEST_TENANT, task: { name: "kept" }, inputs: { x: 1 } });
  await client.runs.setState.mutate({ ...run, state: "archived" });
  expect(await client.runs.get.query(run)).toMatchObject({ state: "archived" });
  await client.runs.setState.mutate({ ...run, state: "active" });
  expect(await client.runs.get.query(run)).toMatchObject({ state: "active" });
  const again = await client.runs.relaunch.mutate({ ...run, newName: "kept-again" });
  expect((await client.runs.get.query(again)).reference).toEqual(run);
});

/** A run with one step that was tried once, as a scheduler would write it. */
async function triedRun() {
  await client.tasks.create.mutate({ ...idOf("tried"), spec: taskJson() });
  const run = await client.runs.launch.mutate({ ...TEST_TENANT, task: { name: "tried" }, inputs: { x: 1 } });
  const { id } = await client.runs.get.query(run);
  const of = { run_id: id, ordinal: 2, project: TEST_TENANT.project, changed_seq: 2 };
  const task_key = "flytesnacks:development:tried:v1";
  const step = { domain: TEST_TENANT.domain, name: "n0", spec_node_id: "n0", kind: "task", phase: "running" };
  await insertRow(database.pool, "actions", { ...of, ...step, attempts: 1, task_key });
  const queue = { shard: 0, pool: "default", kind: "container", phase: "queued" };
  const token_hash = new Uint8Array(32);
  await insertRow(database.pool, "attempts", { ...of, ...queue, attempt: 0, token_hash, queued_at: new Date() });
  return { ...run, action: "n0" };
}

test("an action and an attempt are shown one by one, with why they wait and where their values are", async () => {
  const action = await triedRun();
  const url = `flyte://v1/flytesnacks/development/${action.name}/n0`;
  expect(await client.runs.getAction.query(action)).toMatchObject({
    phase: "running",
    attempts: 1,
    flyteUrls: { inputs: `${url}/i`, deck: "" },
  });
  expect(await client.runs.getAttempt.query({ ...action, attempt: 0 })).toMatchObject({
    phase: "queued",
    taskKey: "flytesnacks:development:tried:v1",
    reason: "No agent serves pool default.",
    flyteUrls: { outputs: `${url}/0/o` },
  });
  expect(await client.runs.attemptData.query({ ...action, attempt: 0 })).toEqual({
    inputs: {},
    outputs: {},
    large: { inputs: null, outputs: null },
  });
  const attempt = { ...action, attempt: 0 };
  await database.pool.query("update attempts set waiting_reason = 'Unschedulable: 0/1 nodes are available'");
  expect((await client.runs.getAttempt.query(attempt)).reason).toBe("Unschedulable: 0/1 nodes are available");
  await database.pool.query("update attempts set phase = 'running', agent_id = 'a1', image_digest = 'sha256:1f'");
  const started = { reason: "running on agent a1", imageDigest: "sha256:1f" };
  expect(await client.runs.getAttempt.query(attempt)).toMatchObject(started);
  await expect(client.runs.getAttempt.query({ ...action, attempt: 3 })).rejects.toThrow("no attempt 3");
  await expect(client.runs.getAction.query({ ...action, action: "n9" })).rejects.toThrow("no action n9");
  expect(await client.data.get.query({ flyteUrl: `${url}/i` })).toEqual({ kind: "values", values: {}, proto: "" });
  await expect(client.data.createDownloadLink.mutate(action)).rejects.toThrow("has no deck");
});

test("a file goes up to the place that was given and comes down from it", async () => {
  const place = await client.data.createUploadLocation.mutate({
    ...TEST_TENANT,
    filename: "a.txt",
    filenameRoot: "root",
    expiresInSeconds: 60,
  });
  expect(place.nativeUrl).toMatch(/uploads\/flytesnacks\/development\/root\/a.txt$/);
  expect((await fetch(place.signedUrl, { method: "PUT", headers: place.headers, body: "hello" })).ok).toBe(true);
  const { signedUrl } = await client.data.createDownloadLocation.mutate({ nativeUrl: place.nativeUrl });
  expect(await (await fetch(signedUrl)).text()).toBe("hello");
  const wrong = { ...TEST_TENANT, contentMd5: "aGk=" };
  await expect(client.data.createUploadLocation.mutate(wrong)).rejects.toThrow("contentMd5: must be the 16 bytes");
});

test("a run's token gets no object and no value of others by naming its own project beside them", async () => {
  const runId = await insertRun(database.pool, await insertWorkflow(database.pool));
  const token = await signRunToken(SECRET_KEY, { runId, ...TEST_TENANT });
  const call = async (path: string, input: object, method: "GET" | "POST") => {
    const json = JSON.stringify({ ...TEST_TENANT, ...input });
    const query = method === "GET" ? `?input=${encodeURIComponent(json)}` : "";
    const response = await fetch(`${api.url}/trpc/${path}${query}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(method === "POST" && { body: json }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  expect(await call("data.createDownloadLocation", { nativeUrl: "file:///etc/passwd" }, "POST")).toBe(403);
  expect(await call("data.get", { flyteUrl: "flyte://v1/other/development/r/n0/i" }, "GET")).toBe(403);
  expect(await call("data.get", { flyteUrl: "flyte://v1/flytesnacks/production/r/n0/i" }, "GET")).toBe(403);
  expect(await call("data.get", { flyteUrl: "flyte://v1/flytesnacks/development/r/n0/i" }, "GET")).toBe(404);
  expect(await call("launchPlans.setState", { name: "x", version: "1", state: "active" }, "POST")).toBe(403);
});

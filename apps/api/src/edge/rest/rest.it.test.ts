import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { TaskCreateRequestSchema, TaskSchema } from "@skein/idl/admin";
import { echoTask } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../../testing/start-test-api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const BINARY = "application/octet-stream";
const call = (path: string, init: RequestInit = {}) => fetch(`${api.url}/api/v1/${path}`, init);
const jsonOf = async (response: Response) => (await response.json()) as Record<string, unknown>;

const taskJson = (name: string) => ({
  id: { resource_type: "TASK", project: "flytesnacks", domain: "development", name, version: "v1" },
  spec: {
    template: {
      id: { resourceType: 1, project: "flytesnacks", domain: "development", name, version: "v1" },
      type: "echo",
      metadata: { timeout: "90s" },
      interface: {
        inputs: { variables: { x: { type: { simple: "INTEGER" } } } },
        outputs: { variables: { x: { type: { simple: 1 } } } },
      },
    },
  },
});
const post = (path: string, body: unknown, type = "application/json; charset=utf-8") =>
  call(path, { method: "POST", headers: { "content-type": type }, body: JSON.stringify(body) });

test("a task is registered from JSON in either spelling and read back with names, texts and unset fields", async () => {
  expect((await post("tasks", taskJson("rest.one"))).status).toBe(200);
  const task = await jsonOf(await call("tasks/flytesnacks/development/rest.one/v1"));
  expect(task).toMatchObject({
    id: { resource_type: "TASK", name: "rest.one" },
    short_description: "",
    closure: { compiled_task: { template: { type: "echo", security_context: null, metadata: { timeout: "90s" } } } },
  });
  expect((await post("tasks", taskJson("rest.one"))).status).toBe(409);
});

test("names with slashes and strange letters travel percent-encoded", async () => {
  await post("tasks", taskJson("a.ü-x"));
  expect((await call(`tasks/flytesnacks/development/${encodeURIComponent("a.ü-x")}/v1`)).status).toBe(200);
  expect((await call("tasks/flytesnacks/development/a%2Fb/v1")).status).toBe(404);
  expect((await call("tasks/flytesnacks/development/%E0%A4%A/v1")).status).toBe(400);
});

test("binary messages go both ways", async () => {
  const body = toBinary(TaskCreateRequestSchema, create(TaskCreateRequestSchema, echoTask("rest.binary")));
  const sent = await call("tasks", { method: "POST", headers: { "content-type": BINARY }, body: Buffer.from(body) });
  expect(sent.status).toBe(200);
  const got = await call("tasks/flytesnacks/development/rest.binary/v1", { headers: { accept: BINARY } });
  expect(got.headers.get("content-type")).toBe(BINARY);
  expect(fromBinary(TaskSchema, new Uint8Array(await got.arrayBuffer())).id?.name).toBe("rest.binary");
});

test("query parameters reach nested fields, enums and optional path segments", async () => {
  for (const name of ["list.a", "list.b"]) await post("tasks", taskJson(name));
  const sorted = "limit=10&sort_by.key=name&sort_by.direction=ASCENDING&filters=contains(name,list.)";
  const { tasks } = await jsonOf(await call(`tasks/flytesnacks/development?${sorted}`));
  expect(tasks).toMatchObject([{ id: { name: "list.a" } }, { id: { name: "list.b" } }]);
  const descending = await jsonOf(
    await call("tasks/flytesnacks/development?limit=1&sortBy.key=name&sortBy.direction=0"),
  );
  expect(descending.token).toBe("1");
  const one = await jsonOf(await call("tasks/flytesnacks/development/list.a?limit=5"));
  expect(one.tasks).toHaveLength(1);
});

test.each([
  ["tasks/flytesnacks/development?limit=many", "limit"],
  ["tasks/flytesnacks/development?limit=1&limit=2", "only once"],
  ["tasks/flytesnacks/development?limt=1", "no field limt"],
  ["tasks/flytesnacks/development?sort_by=name", "name a field of Sort"],
  ["tasks/flytesnacks/development?limit=1&sort_by.direction=UP", "DESCENDING, ASCENDING"],
  ["tasks/flytesnacks/development?limit.x=1", "no fields of its own"],
  ["named_entities/NOTHING/flytesnacks/development?limit=1", "path parameter resource_type"],
])("GET %s is refused and names what was wrong", async (path, said) => {
  const response = await call(path);
  expect(response.status).toBe(400);
  expect(await jsonOf(response)).toMatchObject({ code: 3, message: expect.stringContaining(said), details: [] });
});

test.each([
  ["{", "application/json"],
  ['{"nonsense": 1}', "application/json"],
  ['{"id": 5}', "application/json"],
  ["\xff\xff\xff\xff", BINARY],
])("the body %j as %s is refused", async (body, type) => {
  const response = await call("tasks", {
    method: "POST",
    headers: { "content-type": type },
    body: Buffer.from(body, "latin1"),
  });
  expect([response.status, response.headers.get("error-reason")]).toEqual([400, "malformed_message"]);
});

test("errors carry gRPC's code, HTTP's status and typed details", async () => {
  expect(await jsonOf(await call("tasks/flytesnacks/development/none/v1"))).toMatchObject({ code: 5 });
  const response = await call("events/nodes", { method: "POST", body: "{}" });
  expect([response.status, (await jsonOf(response)).code]).toEqual([501, 12]);
});

test("an archived project's refusal carries Flyte's detail", async () => {
  await post("projects", { project: { id: "old", name: "old" } });
  const put = { method: "PUT", body: JSON.stringify({ id: "ignored", state: "ARCHIVED" }) };
  expect((await call("projects/old", put)).status).toBe(200);
  const request = taskJson("x");
  const refused = await post("tasks", { ...request, id: { ...request.id, project: "old" } });
  expect(await jsonOf(refused)).toMatchObject({
    details: [{ "@type": "type.googleapis.com/flyteidl.admin.InactiveProject" }],
  });
});

test("addresses outside of /api/v1 answer too", async () => {
  expect(await jsonOf(await fetch(`${api.url}/me`))).toMatchObject({ subject: "anonymous" });
  expect(await jsonOf(await fetch(`${api.url}/config/v1/flyte_client`))).toMatchObject({ client_id: "flytectl" });
});

test("an upload location's URL takes the file and keeps it", async () => {
  const location = await jsonOf(
    await post("dataproxy/artifact_urn", {
      project: "flytesnacks",
      domain: "development",
      filename: "f.txt",
      filename_root: "r",
    }),
  );
  expect((await fetch(String(location.signed_url), { method: "PUT", body: "content" })).status).toBe(200);
  const [, token] = String(location.signed_url).split("/uploads/");
  const tampered = `${api.url}/uploads/x${token}`;
  expect((await fetch(tampered, { method: "PUT", body: "content" })).status).toBe(403);
});

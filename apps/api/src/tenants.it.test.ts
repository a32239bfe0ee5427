import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ResourceType } from "@skein/idl/core";
import { AdminService, ArtifactType, DataProxyService } from "@skein/idl/service";
import { chainOf, echoTask, integerInputs, launchPlanOf, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signRunToken } from "./auth/tokens.ts";
import { startTestApi, TEST_SECRET_KEY, type TestApi } from "./testing/start-test-api.ts";

interface Tenant {
  readonly project: string;
  readonly domain: string;
}
const OTHER = { project: "other", domain: "development" };
const SIBLING = { ...TEST_TENANT, domain: "production" };

let api: TestApi;
let token: string;
beforeAll(async () => {
  api = await startTestApi({ projects: [TEST_TENANT.project, OTHER.project] });
  for (const tenant of [TEST_TENANT, OTHER, SIBLING]) {
    const { id, spec } = echoTask("echo");
    await asPerson().createTask({ id: { ...taskOf(tenant), resourceType: id?.resourceType ?? 0 }, spec });
  }
  await asPerson().createExecution(launchOf(TEST_TENANT, "eager"));
  token = await signRunToken(TEST_SECRET_KEY, { runId: await runIdOf("eager"), ...TEST_TENANT });
});
afterAll(() => api.close());

async function runIdOf(name: string): Promise<string> {
  const { rows } = await api.database.pool.query<{ id: string }>("select id from runs where name = $1", [name]);
  return rows[0]?.id ?? "";
}

const taskOf = (tenant: Tenant) => ({
  ...tenant,
  name: "echo",
  version: echoTask("echo").id?.version ?? "",
  resourceType: ResourceType.TASK,
});
const bearer = (): Interceptor => (next) => (request) => {
  request.header.set("authorization", `Bearer ${token}`);
  return next(request);
};
const asPerson = () => createClient(AdminService, createGrpcTransport({ baseUrl: api.url }));
const asRun = () => createClient(AdminService, createGrpcTransport({ baseUrl: api.url, interceptors: [bearer()] }));
const dataAsRun = () =>
  createClient(DataProxyService, createGrpcTransport({ baseUrl: api.url, interceptors: [bearer()] }));

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "answered",
    (error: unknown) => Code[ConnectError.from(error).code] ?? "none",
  );

const launchOf = (tenant: Tenant, name: string) => ({
  ...TEST_TENANT,
  name,
  spec: { launchPlan: taskOf(tenant) },
  inputs: integerInputs({ x: 1 }),
});

test("a run's token launches what its own project and domain registered, and nothing else", async () => {
  expect(await codeOf(asRun().createExecution(launchOf(TEST_TENANT, "own")))).toBe("answered");
  expect(await codeOf(asRun().createExecution(launchOf(OTHER, "foreign")))).toBe("PermissionDenied");
  expect(await codeOf(asRun().createExecution(launchOf(SIBLING, "sibling")))).toBe("PermissionDenied");
  const unregistered = { ...launchOf(OTHER, "x"), spec: { launchPlan: { ...taskOf(OTHER), name: "no-such-task" } } };
  expect(await codeOf(asRun().createExecution(unregistered))).toBe("PermissionDenied");
  expect(await codeOf(asPerson().createExecution(launchOf(OTHER, "by-person")))).toBe("answered");
});

test("a run's token does not repeat what another project registered, even where a person launched it here", async () => {
  await asPerson().createExecution(launchOf(OTHER, "lent"));
  expect(await codeOf(asRun().relaunchExecution({ id: { ...TEST_TENANT, name: "lent" } }))).toBe("PermissionDenied");
  await asPerson().createExecution({ ...launchOf(OTHER, "theirs"), ...OTHER });
  expect(await codeOf(asRun().relaunchExecution({ id: { ...OTHER, name: "theirs" } }))).toBe("PermissionDenied");
  expect(await codeOf(asRun().recoverExecution({ id: { ...OTHER, name: "theirs" } }))).toBe("PermissionDenied");
});

test("the typed API holds a run's token to its tenant as well", async () => {
  const statusOf = async (task: object) => {
    const response = await fetch(`${api.url}/trpc/runs.launch`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ ...TEST_TENANT, task, inputs: { x: 1 } }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  expect(await statusOf({ name: "echo" })).toBe(200);
  expect(await statusOf({ name: "echo", project: OTHER.project })).toBe(403);
  expect(await statusOf({ name: "echo", domain: SIBLING.domain })).toBe(403);
  expect(await statusOf({ name: "no-such-task", project: OTHER.project })).toBe(403);
});

test("a run's token gets no address of an object, and no data of another project", async () => {
  const { nativeUrl } = await createClient(
    DataProxyService,
    createGrpcTransport({ baseUrl: api.url }),
  ).createUploadLocation({ ...OTHER, filename: "secret.txt", filenameRoot: "root" });
  const root = nativeUrl.slice(0, nativeUrl.indexOf("/uploads/"));
  for (const url of [
    nativeUrl,
    `${root}/raw/00/x`,
    `${root}/meta/other/development/r/n0/0/outputs.pb`,
    "file:///etc/passwd",
  ]) {
    expect([url, await codeOf(dataAsRun().createDownloadLocation({ nativeUrl: url }))]).toEqual([
      url,
      "PermissionDenied",
    ]);
  }
  for (const flyteUrl of [
    "flyte://v1/other/development/theirs/n0/o",
    "flyte://v1/flytesnacks/production/theirs/n0/o",
    "flyte://v1/flytesnacks%2F..%2Fother/development/theirs/n0/o",
    "flyte://v1/flytesnacks",
    "",
  ]) {
    expect([flyteUrl, await codeOf(dataAsRun().getData({ flyteUrl }))]).toEqual([flyteUrl, "PermissionDenied"]);
  }
  expect(await codeOf(dataAsRun().getData({ flyteUrl: "flyte://v1/flytesnacks/development/own/n0/i" }))).toBe(
    "NotFound",
  );
  const link = (project: string) =>
    dataAsRun().createDownloadLink({
      artifactType: ArtifactType.DECK,
      source: {
        case: "nodeExecutionId",
        value: { nodeId: "n0", executionId: { ...TEST_TENANT, project, name: "own" } },
      },
    });
  expect(await codeOf(link("other"))).toBe("PermissionDenied");
  expect(await codeOf(link("flytesnacks"))).toBe("NotFound");
  expect(await codeOf(dataAsRun().createDownloadLink({ artifactType: ArtifactType.DECK }))).toBe("PermissionDenied");
});

test("the id of a request is where things are registered, whatever the ids inside say", async () => {
  const { spec } = echoTask("inner");
  const id = { ...taskOf(TEST_TENANT), name: "outer" };
  if (spec?.template)
    spec.template.id = { ...spec.template.id, ...taskOf(OTHER), $typeName: "flyteidl.core.Identifier", org: "" };
  await asPerson().createTask({ id, spec });
  expect((await asPerson().getTask({ id })).closure?.compiledTask?.template?.id).toMatchObject(id);
  expect(await codeOf(asPerson().getTask({ id: { ...taskOf(OTHER), name: "outer" } }))).toBe("NotFound");
  expect(await codeOf(asRun().createTask({ id: { ...id, ...OTHER }, spec }))).toBe("PermissionDenied");
  expect(await codeOf(asRun().updateProject({ id: TEST_TENANT.project }))).toBe("PermissionDenied");
});

test("a run registers in its own project, but activates nothing there", async () => {
  const id = { ...taskOf(TEST_TENANT), name: "late" };
  expect(await codeOf(asRun().createTask({ id, spec: echoTask("late").spec }))).toBe("answered");
  expect(await codeOf(asRun().updateLaunchPlan({ id }))).toBe("PermissionDenied");
});

test("a run ends what it launched and nothing else, and its token ends with it", async () => {
  await asRun().createExecution(launchOf(TEST_TENANT, "child"));
  await asPerson().createExecution(launchOf(TEST_TENANT, "stranger"));
  const idOf = (name: string) => ({ id: { ...TEST_TENANT, name } });
  expect(await codeOf(asRun().terminateExecution(idOf("child")))).toBe("answered");
  expect(await codeOf(asRun().terminateExecution(idOf("stranger")))).toBe("PermissionDenied");
  const over = "update runs set phase = $1, ended_at = now() where name = 'eager'";
  await api.database.pool.query(over, ["aborted"]);
  expect(await codeOf(asRun().getExecution(idOf("child")))).toBe("Unauthenticated");
  await api.database.pool.query(over.replace("now()", "null"), ["running"]);
});

test("registering may refer only to what the caller may read", async () => {
  const guarded = await startTestApi(
    { projects: [TEST_TENANT.project, OTHER.project] },
    { policy: (_caller, _permission, { project }) => project !== OTHER.project },
  );
  const admin = createClient(AdminService, createGrpcTransport({ baseUrl: guarded.url }));
  const task = echoTask("theirs");
  Object.assign(task.id ?? {}, OTHER);
  Object.assign(task.spec?.template?.id ?? {}, OTHER);
  const workflow = chainOf("chain", task, 1);
  expect(await codeOf(admin.createWorkflow(workflow))).toBe("PermissionDenied");
  const plan = launchPlanOf(workflow);
  Object.assign(plan.spec?.workflowId ?? {}, OTHER);
  expect(await codeOf(admin.createLaunchPlan(plan))).toBe("PermissionDenied");
  await guarded.close();
});

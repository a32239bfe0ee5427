import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService } from "@skein/idl/service";
import { echoTask, integerInputs, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signAgentToken } from "../auth/tokens.ts";
import { startTestApi, TEST_SECRET_KEY, type TestApi } from "../testing/start-test-api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  const admin = adminClient();
  const task = echoTask("echo");
  await admin.createTask(task);
  const launch = { ...TEST_TENANT, name: "run1", spec: { launchPlan: task.id }, inputs: integerInputs({ x: 1 }) };
  await admin.createExecution(launch);
  await api.database.pool.query(
    `insert into actions (run_id, ordinal, project, domain, name, spec_node_id, kind, phase, changed_seq)
     select id, 0, project, domain, 'start-node', 'start-node', 'start', 'queued', 1 from runs`,
  );
});
afterAll(() => api.close());

const adminClient = () => createClient(AdminService, createGrpcTransport({ baseUrl: api.url }));
const RUN = { ...TEST_TENANT, name: "run1" };

async function ask(path: string, input: object): Promise<number> {
  const response = await fetch(`${api.url}/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`);
  await response.body?.cancel();
  return response.status;
}

test.each([
  ["runs.list", { ...TEST_TENANT, workflow: "a\0b" }, 400],
  ["runs.list", { project: "a\0b", domain: "development" }, 400],
  ["tasks.list", { ...TEST_TENANT, name: "a\0b" }, 400],
  ["runs.actions", { ...RUN, parent: "a\0b" }, 400],
  ["runs.get", { ...RUN, name: "a\0b" }, 400],
  ["runs.list", { ...TEST_TENANT, limit: 10_000_000 }, 400],
  ["runs.list", { ...TEST_TENANT, cursor: Number.MAX_SAFE_INTEGER }, 200],
  ["runs.attempts", { ...RUN, action: "a\ud800" }, 404],
  ["runs.logs", { ...RUN, action: "start-node", attempt: 2 ** 31 }, 400],
])("%s with %j answers %i", async (path, input, status) => {
  expect(await ask(path, input)).toBe(status);
});

test("a task that is launched by a name with a NUL is refused", async () => {
  const body = JSON.stringify({ ...TEST_TENANT, task: { name: "a\0b" } });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${api.url}/trpc/runs.launch`, { method: "POST", headers, body });
  await response.arrayBuffer();
  expect(response.status).toBe(400);
});

test("a subscription from an event that cannot be is refused in words", async () => {
  const input = encodeURIComponent(JSON.stringify({ ...RUN, lastEventId: "1.9999999999" }));
  const response = await fetch(`${api.url}/trpc/runs.watch?input=${input}`);
  const reader = response.body?.getReader();
  let text = "";
  while (!text.includes("httpStatus")) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  await reader?.cancel();
  expect(text).toContain('"httpStatus":400');
});

test("an attempt that Postgres cannot count to does not exist", async () => {
  const nodeExecutionId = { nodeId: "start-node", executionId: RUN };
  for (const retryAttempt of [2 ** 31, 2 ** 32 - 1]) {
    const call = adminClient().getTaskExecution({ id: { nodeExecutionId, retryAttempt } });
    const error = await call.then(() => undefined, ConnectError.from);
    expect(error?.code).toBe(Code.NotFound);
  }
});

test("an agent's numbers beyond an integer are refused", async () => {
  const token = await signAgentToken(TEST_SECRET_KEY, { subject: "a", pool: "default", lifetimeSeconds: 60 });
  const attempt = { runId: "01990000-0000-7000-8000-000000000000", ordinal: 2 ** 31, attempt: 0 };
  const body = JSON.stringify({ agentId: "a", pool: "default", attempts: [{ ...attempt, token: "x".repeat(20) }] });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${api.url}/trpc/agent.claim`, { method: "POST", headers, body });
  await response.arrayBuffer();
  expect(response.status).toBe(400);
});

test("under a policy that allows only public things, a hostile name opens nothing", async () => {
  const closed = await startTestApi({}, { policy: (_caller, permission) => permission === "public" });
  const names = ["healthz", "configs", "x/configs", "metrics", "%2e%2e", "openapi", "healthcheck", "readyz"];
  for (const name of names.map(encodeURIComponent)) {
    for (const path of [
      `/api/v1/tasks/${name}/${name}/${name}/${name}`,
      `/api/v1/executions/p/d/${name}`,
      `/api/v1/projects/${name}`,
      `/api/v1/data/executions/p/d/${name}`,
    ]) {
      const response = await fetch(`${closed.url}${path}`);
      await response.arrayBuffer();
      expect([path, response.status]).toEqual([path, 403]);
    }
  }
  await closed.close();
});

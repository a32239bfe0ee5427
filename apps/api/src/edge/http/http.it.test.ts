import { once } from "node:events";
import { request as http1Request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signAgentToken } from "../../auth/tokens.ts";
import { startTestApi, TEST_SECRET_KEY, type TestApi } from "../../testing/start-test-api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const get = (path: string, init: RequestInit = {}) => fetch(`${api.url}${path}`, init);

/** `fetch` sets Host and Origin itself. */
function getWithHeaders(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const [host, port] = api.address.split(":");
    const request = http1Request({ host, port, path, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject);
    request.end();
  });
}

test("liveness, readiness, metrics and the API's description are served", async () => {
  for (const path of ["/healthz", "/livez", "/healthcheck", "/readyz"]) expect((await get(path)).status).toBe(200);
  expect(await (await get("/metrics")).text()).toContain("process_cpu_seconds_total");
  const { paths } = (await (await get("/api/v1/openapi")).json()) as { paths: Record<string, object> };
  expect(Object.keys(paths)).toContain("/api/v1/executions/{id.project}/{id.domain}/{id.name}");
});

test("the link that clients print leads to a page that names the run", async () => {
  const response = await get("/console/projects/p/domains/d/executions/%3Cscript%3E");
  const page = await response.text();
  expect(response.headers.get("content-type")).toContain("text/html");
  expect(page).toContain("/api/v1/executions/p/d/%3Cscript%3E");
  expect(page).not.toContain("<script>");
  expect((await get("/", { redirect: "manual" })).headers.get("location")).toBe("/console/");
});

test("a path that nobody serves and a verb that a path does not take are refused in words", async () => {
  expect((await get("/nothing")).status).toBe(404);
  expect(await (await get("/api/v1/nothing")).json()).toMatchObject({ code: 5 });
  const response = await get("/api/v1/version", { method: "DELETE" });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET"]);
});

test("plaintext HTTP/2 serves the same pages and REST answers", async () => {
  const session = connectHttp2(api.url);
  const stream = session.request({ ":path": "/api/v1/version" });
  let body = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  await once(stream, "end");
  session.close();
  expect(JSON.parse(body)).toHaveProperty("control_plane_version");
});

test("foreign host names and web pages of others are refused while there is no login", async () => {
  expect(await getWithHeaders("/api/v1/projects", { host: "evil.example:8088" })).toBe(403);
  expect(await getWithHeaders("/api/v1/projects", { host: api.address, origin: "http://evil.example" })).toBe(403);
  expect(await getWithHeaders("/api/v1/projects", { host: api.address, origin: "null" })).toBe(403);
  expect(await getWithHeaders("/api/v1/projects", { host: api.address, origin: `http://${api.address}` })).toBe(200);
  expect(await getWithHeaders("/trpc/projects.list", { host: "evil.example" })).toBe(403);
});

test("the agent service takes an agent's token of the same pool and nothing else", async () => {
  const body = {
    agentId: "a1",
    pool: "default",
    runtime: "process",
    version: "1",
    capacity: { slots: 1, cpuMillis: 1, memoryMiB: 1, gpus: 0 },
    attempts: [],
    draining: false,
  };
  const beat = async (authorization?: string) => {
    const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
    return get("/trpc/agent.heartbeat", { method: "POST", headers, body: JSON.stringify(body) });
  };
  const tokenFor = (pool: string) => signAgentToken(TEST_SECRET_KEY, { subject: "a1", pool, lifetimeSeconds: 60 });
  expect((await beat()).status).toBe(401);
  expect((await beat(`Bearer ${await tokenFor("gpu")}`)).status).toBe(403);
  const response = await beat(`Bearer ${await tokenFor("default")}`);
  expect(await response.json()).toEqual({ result: { data: { stop: [], settled: [], isCordoned: false } } });
});

test("a tRPC input that is wrong names the field", async () => {
  const input = encodeURIComponent(JSON.stringify({ project: "flytesnacks" }));
  const response = await get(`/trpc/runs.list?input=${input}`);
  expect(response.status).toBe(400);
  const { error } = (await response.json()) as { error: { message: string; data: { skein: { reason: string } } } };
  expect(error.message).toContain("domain: must be the domain's id");
  expect(error.data.skein.reason).toBe("invalid_input");
});

async function openRaw(): Promise<Socket> {
  const [host, port] = api.address.split(":");
  const socket = connect(Number(port), host);
  await once(socket, "connect");
  return socket;
}

test("a request whose first bytes come one by one is understood", async () => {
  const socket = await openRaw();
  socket.setNoDelay(true);
  for (const piece of ["P", "U", "T /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"]) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    answer += chunk;
  });
  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1.1 404/);
});

test("a client that hangs up at any moment does no harm", async () => {
  for (const text of ["", "P", "PRI", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]) {
    const socket = await openRaw();
    socket.write(text);
    socket.destroy();
    await once(socket, "close");
  }
  expect((await get("/healthz")).status).toBe(200);
});

test("headers beyond the limit are refused", async () => {
  expect(await getWithHeaders("/healthz", { host: api.address, "x-large": "x".repeat(40_000) })).toBe(431);
});

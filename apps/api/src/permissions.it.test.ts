import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { CacheService } from "@skein/idl/cacheservice";
import { DataCatalog } from "@skein/idl/datacatalog";
import {
  AdminService,
  AuthMetadataService,
  DataProxyService,
  Health,
  IdentityService,
  ServerReflectionV1,
  SignalService,
} from "@skein/idl/service";
import { insertRun, insertWorkflow } from "@skein/testing";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, afterEach, expect, test } from "vitest";
import { signAgentToken, signRunToken } from "./auth/tokens.ts";
import { ROUTE_PERMISSIONS, TRPC_PERMISSIONS } from "./permissions.ts";
import { startTestApi, TEST_SECRET_KEY, type TestApi } from "./testing/start-test-api.ts";
import { appRouter } from "./trpc/router.ts";

let api: TestApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

const UNARY_SERVICES = [
  AdminService,
  DataProxyService,
  SignalService,
  DataCatalog,
  CacheService,
  AuthMetadataService,
  IdentityService,
];
const agentToken = () => signAgentToken(TEST_SECRET_KEY, { subject: "a", pool: "default", lifetimeSeconds: 60 });

async function codeOf(
  transport: Transport,
  method: (typeof UNARY_SERVICES)[number]["methods"][number],
  token?: string,
) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    if (method.methodKind !== "unary") throw new Error(`${method.name} is not unary`);
    await transport.unary(method as never, undefined, undefined, headers, create(method.input) as never);
    return "answered";
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
}

test("a policy that denies all is asked by every RPC, procedure, subscription, route and upload", async () => {
  api = await startTestApi({}, { policy: () => false });
  const transport = createGrpcTransport({ baseUrl: api.url });
  for (const { methods } of UNARY_SERVICES) {
    for (const method of methods)
      expect([method.name, await codeOf(transport, method)]).toEqual([method.name, "PermissionDenied"]);
  }
  expect(await codeOf(transport, Health.method.check as never)).toBe("PermissionDenied");
  const streams = [
    transport.stream(
      Health.method.watch,
      undefined,
      undefined,
      {},
      (async function* () {
        yield {};
      })(),
    ),
    transport.stream(
      ServerReflectionV1.method.serverReflectionInfo,
      undefined,
      undefined,
      {},
      (async function* () {
        yield {};
      })(),
    ),
  ];
  for (const opened of streams) {
    const read = async () => {
      for await (const _ of (await opened).message as AsyncIterable<unknown>);
    };
    await expect(read()).rejects.toMatchObject({ code: Code.PermissionDenied });
  }
  const authorization = `Bearer ${await agentToken()}`;
  for (const path of Object.keys(TRPC_PERMISSIONS)) {
    const procedure = (appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>)[path];
    const method = procedure?._def.type === "mutation" ? "POST" : "GET";
    const headers = { authorization, "content-type": "application/json", connection: "close" };
    const response = await fetch(`${api.url}/trpc/${path}`, {
      method,
      headers,
      ...(method === "POST" && { body: "{}" }),
    });
    // A subscription says in its stream that it was refused: by then its headers are sent.
    expect([path, await response.text()]).toEqual([path, expect.stringContaining('"httpStatus":403')]);
  }
  for (const route of Object.keys(ROUTE_PERMISSIONS)) {
    const [method = "GET", path = ""] = route.split(" ");
    const init = { method, ...(method === "PUT" && { body: "x" }) };
    expect([route, (await fetch(`${api.url}${path.replace("*", "x")}`, init)).status]).toEqual([route, 403]);
  }
  expect((await fetch(`${api.url}/api/v1/version`)).status).toBe(403);
  expect((await fetch(`${api.url}/me`)).status).toBe(403);
});

const provider = await generateKeyPair("ES256");
const jwks = JSON.stringify({
  keys: [{ ...(await exportJWK(provider.publicKey)), alg: "ES256", use: "sig", kid: "k1" }],
});
const idp = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  const issuer = issuerUrl();
  response.end(
    request.url === "/jwks"
      ? jwks
      : JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` }),
  );
});
idp.listen(0, "127.0.0.1");
await once(idp, "listening");
afterAll(() => idp.close());
const issuerUrl = (): string => `http://127.0.0.1:${(idp.address() as AddressInfo).port}`;

const personToken = () =>
  new SignJWT({})
    .setIssuer(issuerUrl())
    .setAudience("skein")
    .setSubject("ann")
    .setExpirationTime("1m")
    .setProtectedHeader({ alg: "ES256", kid: "k1" })
    .sign(provider.privateKey);

test("with an identity provider every transport asks for a token, and tells where to get one", async () => {
  api = await startTestApi({ authIssuer: issuerUrl(), authAudience: "skein" });
  const transport = createGrpcTransport({ baseUrl: api.url });
  const { listProjects, getVersion } = AdminService.method;
  expect(await codeOf(transport, listProjects)).toBe("Unauthenticated");
  expect(await codeOf(transport, listProjects, "nonsense")).toBe("Unauthenticated");
  expect(await codeOf(transport, listProjects, await personToken())).toBe("answered");
  expect(await codeOf(transport, getVersion, await agentToken())).toBe("PermissionDenied");
  const response = await fetch(`${api.url}/api/v1/projects`);
  expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  expect((await fetch(`${api.url}/trpc/projects.list`)).status).toBe(401);
  expect((await fetch(`${api.url}/metrics`)).status).toBe(401);
  const metadata = await (await fetch(`${api.url}/.well-known/oauth-authorization-server`)).json();
  expect(metadata).toMatchObject({ issuer: issuerUrl(), token_endpoint: `${issuerUrl()}/token` });
  const me = await fetch(`${api.url}/me`, { headers: { "flyte-authorization": `Bearer ${await personToken()}` } });
  expect(await me.json()).toMatchObject({ subject: "ann" });
});

test("a run's token reads its own project and no other", async () => {
  api = await startTestApi();
  const runId = await insertRun(api.database.pool, await insertWorkflow(api.database.pool));
  const token = await signRunToken(TEST_SECRET_KEY, { runId, project: "flytesnacks", domain: "development" });
  const statusOf = async (path: string) =>
    (await fetch(`${api?.url}${path}`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await statusOf("/api/v1/executions/flytesnacks/development?limit=1")).toBe(200);
  expect(await statusOf("/api/v1/executions/flytesnacks/production?limit=1")).toBe(403);
  expect(await statusOf("/api/v1/executions/other/development?limit=1")).toBe(403);
  expect(await statusOf("/api/v1/projects")).toBe(403);
  const input = (project: string) => encodeURIComponent(JSON.stringify({ project, domain: "development" }));
  expect(await statusOf(`/trpc/runs.list?input=${input("flytesnacks")}`)).toBe(200);
  expect(await statusOf(`/trpc/runs.list?input=${input("other")}`)).toBe(403);
});

test("a server without a login refuses an address that others can reach, unless told otherwise", async () => {
  await expect(startTestApi({ host: "0.0.0.0" })).rejects.toMatchObject({ reason: "open_without_auth" });
  await expect(startTestApi({ authIssuer: issuerUrl() })).rejects.toMatchObject({ reason: "auth_config_incomplete" });
  api = await startTestApi({ host: "0.0.0.0", allowAnonymous: true });
  expect((await fetch(`http://127.0.0.1:${api.ports[0]}/api/v1/version`)).status).toBe(200);
});

test("a port in use stops the start with its number, and leaves nothing open", async () => {
  api = await startTestApi();
  const port = api.ports[0] ?? 0;
  await expect(startTestApi({ port })).rejects.toMatchObject({
    reason: "port_in_use",
    message: expect.stringContaining(String(port)),
  });
});

import type { DescService } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { CacheService } from "@skein/idl/cacheservice";
import { DataCatalog } from "@skein/idl/datacatalog";
import {
  AdminService,
  AuthMetadataService,
  DataProxyService,
  Health,
  IdentityService,
  ServerReflectionV1,
  ServerReflectionV1Alpha,
  SignalService,
} from "@skein/idl/service";
import { expect, test } from "vitest";
import { ANONYMOUS } from "./auth/authenticate.ts";
import type { Caller } from "./auth/caller.ts";
import { permissionRow } from "./edge/rpcs.ts";
import { defaultPolicy, PERMISSIONS, TRPC_PERMISSIONS } from "./permissions.ts";
import { appRouter } from "./trpc/router.ts";

const SERVICES: readonly DescService[] = [
  AdminService,
  DataProxyService,
  SignalService,
  DataCatalog,
  CacheService,
  AuthMetadataService,
  IdentityService,
  Health,
  ServerReflectionV1,
  ServerReflectionV1Alpha,
];

const run: Caller = { kind: "run", subject: "r", name: "r", scopes: [], tenant: { project: "p", domain: "d" } };
const agent: Caller = { kind: "agent", subject: "a", name: "a", scopes: [], pool: "default" };
const user: Caller = { kind: "user", subject: "u", name: "u", scopes: [] };

test("every RPC of every service has a row", () => {
  for (const service of SERVICES) {
    for (const method of service.methods) expect(PERMISSIONS).toContain(permissionRow(method).permission);
  }
});

test("every tRPC procedure has a row, and every row a procedure", () => {
  expect(Object.keys(appRouter._def.procedures).sort()).toEqual(Object.keys(TRPC_PERMISSIONS).sort());
});

test("an empty request names no tenant and breaks no row", () => {
  for (const service of SERVICES) {
    for (const method of service.methods) {
      const { project = "", domain = "" } = permissionRow(method).tenant(create(method.input));
      expect(project + domain).toBe("");
    }
  }
});

test.each([
  ["createTask", { id: { project: "p", domain: "d" } }],
  ["createExecution", { project: "p", domain: "d" }],
  ["getNodeExecution", { id: { executionId: { project: "p", domain: "d" } } }],
  ["listNodeExecutions", { workflowExecutionId: { project: "p", domain: "d" } }],
  ["listTaskExecutions", { nodeExecutionId: { executionId: { project: "p", domain: "d" } } }],
  [
    "getTaskExecution",
    { id: { taskId: { project: "x", domain: "x" }, nodeExecutionId: { executionId: { project: "p", domain: "d" } } } },
  ],
  ["updateWorkflowAttributes", { attributes: { project: "p", domain: "d", workflow: "w" } }],
] as const)("the tenant of %s is read from its request", (name, request) => {
  const method = AdminService.method[name];
  expect(permissionRow(method).tenant(create(method.input as never, request as never))).toEqual({
    project: "p",
    domain: "d",
  });
});

test("the tenant of a flyte:// URL is its project and domain", () => {
  const { getData } = DataProxyService.method;
  const tenantOf = (flyteUrl: string) => permissionRow(getData).tenant(create(getData.input, { flyteUrl }));
  expect(tenantOf("flyte://v1/p/d/run/n0/o")).toEqual({ project: "p", domain: "d" });
  expect(tenantOf("https://v1/p/d/run")).toEqual({});
});

test("an agent serves its pool and calls nothing else but what is public", () => {
  const allowed = PERMISSIONS.filter((permission) => defaultPolicy(agent, permission, { pool: "default" }));
  expect(allowed).toEqual(["public", "agent:serve", "signed-url"]);
  expect(defaultPolicy(agent, "agent:serve", { pool: "gpu" })).toBe(false);
});

test("nobody but an agent serves as one", () => {
  for (const caller of [ANONYMOUS, user, run])
    expect(defaultPolicy(caller, "agent:serve", { pool: "default" })).toBe(false);
});

test("a run reads, registers, launches and ends in its own project and domain only", () => {
  const own = { project: "p", domain: "d" };
  const allowed = PERMISSIONS.filter((permission) => defaultPolicy(run, permission, own));
  expect(allowed).toEqual([
    "public",
    "system:read",
    "identity:read",
    "registry:read",
    "registry:create",
    "run:read",
    "run:launch",
    "run:abort",
    "data:read",
    "signed-url",
  ]);
  for (const tenant of [{}, { project: "p" }, { project: "p", domain: "x" }, { project: "x", domain: "d" }]) {
    expect(defaultPolicy(run, "run:read", tenant)).toBe(false);
  }
});

test("a user and, without a login, anybody may do the rest", () => {
  for (const caller of [user, ANONYMOUS]) {
    const refused = PERMISSIONS.filter((permission) => !defaultPolicy(caller, permission, {}));
    expect(refused).toEqual(["agent:serve"]);
  }
});

import type { DescService, MessageShape } from "@bufbuild/protobuf";
import type { CacheService } from "@skein/idl/cacheservice";
import type { DataCatalog } from "@skein/idl/datacatalog";
import type {
  AdminService,
  AuthMetadataService,
  DataProxyService,
  Health,
  IdentityService,
  ServerReflectionV1,
  ServerReflectionV1Alpha,
  SignalService,
} from "@skein/idl/service";
import type { Caller } from "./auth/caller.ts";
import { readCacheServiceKey } from "./catalog/cache-service-key.ts";

export { TRPC_PERMISSIONS } from "./trpc-permissions.ts";

/**
 * What a caller may be allowed. `public` needs no token (liveness, how to log in). `signed-url` carries its proof in
 * the address. `agent:serve` is for agents alone.
 */
export const PERMISSIONS = [
  "public",
  "system:read",
  "identity:read",
  "project:read",
  "project:write",
  "registry:read",
  "registry:create",
  "registry:write",
  "run:read",
  "run:launch",
  "run:abort",
  "run:write",
  "settings:read",
  "settings:write",
  "secret:read",
  "secret:write",
  "data:read",
  "data:write",
  "engine:report",
  "agent:read",
  "agent:manage",
  "agent:serve",
  "signed-url",
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Whose things a request touches, read once from the request. Empty where it touches nobody's or everybody's. */
export interface Tenant {
  readonly project?: string;
  readonly domain?: string;
  /** For the agent service. */
  readonly pool?: string;
}

/** Decides every call of every transport. */
export type Policy = (caller: Caller, permission: Permission, tenant: Tenant) => boolean;

/** What a call needs, and how to read the tenant from its request. */
export interface PermissionRow<Request = never> {
  readonly permission: Permission;
  readonly tenant: (request: Request) => Tenant;
}

type ServiceRows<S extends DescService> = {
  readonly [Name in keyof S["method"]]: PermissionRow<MessageShape<S["method"][Name]["input"]>>;
};

interface InDomain {
  readonly project: string;
  readonly domain: string;
}
interface OfNode {
  readonly executionId?: InDomain | undefined;
}

const tenantOf = (id: InDomain | undefined): Tenant => (id ? { project: id.project, domain: id.domain } : {});

const nobody = (permission: Permission) => ({ permission, tenant: (): Tenant => ({}) });
const inDomain = (permission: Permission) => ({ permission, tenant: (request: InDomain) => tenantOf(request) });
const inProject = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly project: string }): Tenant => ({ project: request.project }),
});
const byId = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly id?: InDomain | undefined }) => tenantOf(request.id),
});
const byRun = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly workflowExecutionId?: InDomain | undefined }) => tenantOf(request.workflowExecutionId),
});
const byNode = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly id?: OfNode | undefined }) => tenantOf(request.id?.executionId),
});
const byTask = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly id?: { readonly nodeExecutionId?: OfNode | undefined } | undefined }) =>
    tenantOf(request.id?.nodeExecutionId?.executionId),
});
const byAttributes = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly attributes?: InDomain | undefined }) => tenantOf(request.attributes),
});

const ADMIN: ServiceRows<typeof AdminService> = {
  createTask: byId("registry:create"),
  getTask: byId("registry:read"),
  listTaskIds: inDomain("registry:read"),
  listTasks: byId("registry:read"),
  createWorkflow: byId("registry:create"),
  getWorkflow: byId("registry:read"),
  listWorkflowIds: inDomain("registry:read"),
  listWorkflows: byId("registry:read"),
  createLaunchPlan: byId("registry:create"),
  getLaunchPlan: byId("registry:read"),
  getActiveLaunchPlan: byId("registry:read"),
  listActiveLaunchPlans: inDomain("registry:read"),
  listLaunchPlanIds: inDomain("registry:read"),
  listLaunchPlans: byId("registry:read"),
  updateLaunchPlan: byId("registry:write"),
  listNamedEntities: inDomain("registry:read"),
  getNamedEntity: byId("registry:read"),
  updateNamedEntity: byId("registry:write"),
  getDescriptionEntity: byId("registry:read"),
  listDescriptionEntities: byId("registry:read"),
  createExecution: inDomain("run:launch"),
  relaunchExecution: byId("run:launch"),
  recoverExecution: byId("run:launch"),
  getExecution: byId("run:read"),
  updateExecution: byId("run:write"),
  getExecutionData: byId("run:read"),
  listExecutions: byId("run:read"),
  terminateExecution: byId("run:abort"),
  getExecutionMetrics: byId("run:read"),
  getNodeExecution: byNode("run:read"),
  getDynamicNodeWorkflow: byNode("run:read"),
  listNodeExecutions: byRun("run:read"),
  listNodeExecutionsForTask: {
    permission: "run:read",
    tenant: (request) => tenantOf(request.taskExecutionId?.nodeExecutionId?.executionId),
  },
  getNodeExecutionData: byNode("run:read"),
  getTaskExecution: byTask("run:read"),
  listTaskExecutions: { permission: "run:read", tenant: (request) => tenantOf(request.nodeExecutionId?.executionId) },
  getTaskExecutionData: byTask("run:read"),
  createWorkflowEvent: {
    permission: "engine:report",
    tenant: (request) => tenantOf(request.event?.executionId),
  },
  createNodeEvent: { permission: "engine:report", tenant: (request) => tenantOf(request.event?.id?.executionId) },
  createTaskEvent: {
    permission: "engine:report",
    tenant: (request) => tenantOf(request.event?.parentNodeExecutionId?.executionId),
  },
  registerProject: {
    permission: "project:write",
    tenant: (request) => (request.project ? { project: request.project.id } : {}),
  },
  updateProject: { permission: "project:write", tenant: (request) => ({ project: request.id }) },
  getProject: { permission: "project:read", tenant: (request) => ({ project: request.id }) },
  listProjects: nobody("project:read"),
  getDomains: nobody("project:read"),
  updateProjectDomainAttributes: byAttributes("settings:write"),
  getProjectDomainAttributes: inDomain("settings:read"),
  deleteProjectDomainAttributes: inDomain("settings:write"),
  updateProjectAttributes: {
    permission: "settings:write",
    tenant: (request) => (request.attributes ? { project: request.attributes.project } : {}),
  },
  getProjectAttributes: inProject("settings:read"),
  deleteProjectAttributes: inProject("settings:write"),
  updateWorkflowAttributes: byAttributes("settings:write"),
  getWorkflowAttributes: inDomain("settings:read"),
  deleteWorkflowAttributes: inDomain("settings:write"),
  listMatchableAttributes: nobody("settings:read"),
  getVersion: nobody("system:read"),
};

const DATA_PROXY: ServiceRows<typeof DataProxyService> = {
  createUploadLocation: inDomain("data:write"),
  createDownloadLocation: nobody("data:read"),
  createDownloadLink: {
    permission: "data:read",
    tenant: (request) => (request.source.case === "nodeExecutionId" ? tenantOf(request.source.value.executionId) : {}),
  },
  getData: {
    permission: "data:read",
    tenant: (request) => {
      const [, project, domain] = /^flyte:\/\/v1\/([^/]+)\/([^/]+)\//.exec(request.flyteUrl) ?? [];
      return project !== undefined && domain !== undefined ? { project, domain } : {};
    },
  },
};

const SIGNAL: ServiceRows<typeof SignalService> = {
  getOrCreateSignal: { permission: "engine:report", tenant: (request) => tenantOf(request.id?.executionId) },
  listSignals: byRun("run:read"),
  setSignal: { permission: "run:write", tenant: (request) => tenantOf(request.id?.executionId) },
};

const byDataset = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly dataset?: InDomain | undefined }) => tenantOf(request.dataset),
});
const byReservation = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly reservationId?: { readonly datasetId?: InDomain | undefined } | undefined }) =>
    tenantOf(request.reservationId?.datasetId),
});

const DATA_CATALOG: ServiceRows<typeof DataCatalog> = {
  createDataset: { permission: "data:write", tenant: (request) => tenantOf(request.dataset?.id) },
  getDataset: byDataset("data:read"),
  createArtifact: { permission: "data:write", tenant: (request) => tenantOf(request.artifact?.dataset) },
  getArtifact: byDataset("data:read"),
  addTag: { permission: "data:write", tenant: (request) => tenantOf(request.tag?.dataset) },
  listArtifacts: byDataset("data:read"),
  listDatasets: { permission: "data:read", tenant: (request) => datasetTenant(request) },
  updateArtifact: byDataset("data:write"),
  getOrExtendReservation: byReservation("data:write"),
  releaseReservation: byReservation("data:write"),
};

/** Of the filters: without one for the project a list shows everybody's datasets. */
function datasetTenant({ filter }: MessageShape<typeof DataCatalog.method.listDatasets.input>): Tenant {
  const tenant: { project?: string; domain?: string } = {};
  for (const { propertyFilter } of filter?.filters ?? []) {
    const property = propertyFilter.case === "datasetFilter" ? propertyFilter.value.property : undefined;
    if (property?.case === "project" || property?.case === "domain") tenant[property.case] = property.value;
  }
  return tenant;
}

const byKey = (permission: Permission) => ({
  permission,
  tenant: (request: { readonly key: string }): Tenant => {
    const { project, domain } = readCacheServiceKey(request.key);
    return project === "" ? {} : { project, domain };
  },
});

const CACHE_SERVICE: ServiceRows<typeof CacheService> = {
  get: byKey("data:read"),
  put: byKey("data:write"),
  delete: byKey("data:write"),
  getOrExtendReservation: byKey("data:write"),
  releaseReservation: byKey("data:write"),
};

const AUTH_METADATA: ServiceRows<typeof AuthMetadataService> = {
  getOAuth2Metadata: nobody("public"),
  getPublicClientConfig: nobody("public"),
};
const IDENTITY: ServiceRows<typeof IdentityService> = { userInfo: nobody("identity:read") };
const HEALTH: ServiceRows<typeof Health> = { check: nobody("public"), watch: nobody("public") };
const REFLECTION: ServiceRows<typeof ServerReflectionV1> = { serverReflectionInfo: nobody("system:read") };
const REFLECTION_ALPHA: ServiceRows<typeof ServerReflectionV1Alpha> = {
  serverReflectionInfo: nobody("system:read"),
};

/** Every RPC, by protobuf service. A method without a row is a type error here, and a test failure. */
export const RPC_PERMISSIONS = {
  "flyteidl.service.AdminService": ADMIN,
  "flyteidl.service.DataProxyService": DATA_PROXY,
  "flyteidl.service.SignalService": SIGNAL,
  "datacatalog.DataCatalog": DATA_CATALOG,
  "flyteidl.cacheservice.CacheService": CACHE_SERVICE,
  "flyteidl.service.AuthMetadataService": AUTH_METADATA,
  "flyteidl.service.IdentityService": IDENTITY,
  "grpc.health.v1.Health": HEALTH,
  "grpc.reflection.v1.ServerReflection": REFLECTION,
  "grpc.reflection.v1alpha.ServerReflection": REFLECTION_ALPHA,
} as const;

/** Every plain HTTP route. REST paths are not here: they are the RPCs above under another address. */
export const ROUTE_PERMISSIONS = {
  "GET /healthcheck": "public",
  "GET /healthz": "public",
  "GET /livez": "public",
  "GET /readyz": "public",
  "GET /metrics": "system:read",
  "GET /api/v1/openapi": "public",
  "GET /": "public",
  "GET /console/*": "public",
  "GET /uploads/*": "signed-url",
  "PUT /uploads/*": "signed-url",
} as const satisfies Record<string, Permission>;
export type RouteName = keyof typeof ROUTE_PERMISSIONS;

/** What an eager workflow does: it registers what it is about to run, launches it, follows it and may end it. */
const RUN_TOKEN_PERMISSIONS: ReadonlySet<Permission> = new Set([
  "registry:read",
  "registry:create",
  "run:read",
  "run:launch",
  "run:abort",
  "data:read",
]);
const ANYBODY: ReadonlySet<Permission> = new Set(["public", "signed-url"]);
const ANY_TOKEN: ReadonlySet<Permission> = new Set(["system:read", "identity:read"]);

/**
 * Until roles exist: people and, where no verifier is configured, anonymous callers may do all but serve as an agent;
 * an agent serves its own pool; a run reads, registers and launches in its own project and domain, and ends what it
 * launched.
 */
export const defaultPolicy: Policy = (caller, permission, tenant) => {
  if (ANYBODY.has(permission)) return true;
  // Log chunks name no pool: the token of each proves that it is about its attempt.
  if (caller.kind === "agent") {
    return permission === "agent:serve" && (tenant.pool === undefined || tenant.pool === caller.pool);
  }
  if (permission === "agent:serve") return false;
  if (caller.kind !== "run" || ANY_TOKEN.has(permission)) return true;
  return (
    RUN_TOKEN_PERMISSIONS.has(permission) &&
    caller.tenant !== undefined &&
    tenant.project === caller.tenant.project &&
    tenant.domain === caller.tenant.domain
  );
};

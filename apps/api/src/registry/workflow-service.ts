import { clone, create } from "@bufbuild/protobuf";
import {
  type Db,
  findWorkflow,
  findWorkflowSpec,
  findWorkflowSummary,
  insertWorkflow,
  type ListQuery,
  listWorkflows,
  type NamedEntityState,
  type VersionId,
  type WorkflowField,
  type WorkflowSummary,
} from "@skein/db";
import { structureDiff, workflowDigest } from "@skein/engine";
import type { ErrorDetail, SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import { CreateWorkflowFailureReasonSchema, type WorkflowSpec, WorkflowSpecSchema } from "@skein/idl/admin";
import {
  type CompiledWorkflowClosure,
  CompiledWorkflowClosureSchema,
  ResourceType,
  type TypedInterface,
  TypedInterfaceSchema,
} from "@skein/idl/core";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { compileSpec } from "./compile-spec.ts";
import { differentExists, identicalExists, notRegistered } from "./conflicts.ts";
import { isSameDigest, sha256 } from "./digest.ts";
import { checkVersionId, entityKey, invalid, storableText, toIdentifier } from "./identity.ts";
import type { LaunchPlanFinder } from "./launch-plan-service.ts";
import { lruCache } from "./lru-cache.ts";
import type { TaskService } from "./task-service.ts";

/** A version of a workflow as lists and launches need it. */
export interface WorkflowView {
  readonly id: VersionId;
  readonly rowId: number;
  readonly shortDescription: string;
  readonly interface: TypedInterface;
  readonly createdAt: Date;
  /** What the row of the list weighs, which is about what an answer that holds it weighs. */
  readonly storedBytes: number;
}

export interface CompiledWorkflowView extends WorkflowView {
  readonly compiled: CompiledWorkflowClosure;
}

const CACHED_MAX = 2_000;

export type WorkflowService = ReturnType<typeof workflowService>;

/** Rules for workflows (contract 5.2). `findLaunchPlan` looks up the launch plans that nodes start. */
export function workflowService(
  db: Db,
  projects: ProjectService,
  tasks: TaskService,
  findLaunchPlan: LaunchPlanFinder,
) {
  const cache = lruCache<WorkflowView>(CACHED_MAX);

  const find = async (id: VersionId): Promise<WorkflowView | undefined> => {
    const key = entityKey(id);
    const cached = cache.get(key);
    if (cached) return cached;
    const row = await findWorkflowSummary(db, id);
    if (!row) return undefined;
    const view = toView(row);
    cache.set(key, view);
    return view;
  };

  return {
    /** Compiles and registers a version. Throws invalid_argument with every problem that the compiler found. */
    async register(call: Call, id: VersionId, sent: WorkflowSpec): Promise<void> {
      checkVersionId(id);
      await projects.requireActive(call, id.project, id.domain);
      const spec = clone(WorkflowSpecSchema, sent);
      if (!spec.template) throw invalid("spec.template", "is missing: a workflow needs a template");
      spec.template.id = toIdentifier(ResourceType.WORKFLOW, id);
      const compiled = await compileSpec(call, { findTask: tasks.find, findLaunchPlan }, id, spec);
      if (await store(db, id, spec, compiled, "active")) return;
      throw await conflictOf(db, id, compiled);
    },

    /** Stores a workflow that the server made itself. Harmless when it exists. */
    async ensureHidden(id: VersionId, spec: WorkflowSpec, compiled: CompiledWorkflowClosure): Promise<WorkflowView> {
      await store(db, id, spec, compiled, "system_generated");
      const view = await find(id);
      if (!view) throw notRegistered("workflow", id);
      return view;
    },

    find,

    async get(_call: Call, id: VersionId): Promise<CompiledWorkflowView> {
      checkVersionId(id);
      const row = await findWorkflow(db, id);
      if (!row) throw notRegistered("workflow", id);
      return { ...toView(row), compiled: fromBytes(CompiledWorkflowClosureSchema, row.compiled) };
    },

    /** The spec as it was sent, with its documentation. */
    async getSpec(_call: Call, id: VersionId): Promise<WorkflowSpec> {
      checkVersionId(id);
      const spec = await findWorkflowSpec(db, id);
      if (!spec) throw notRegistered("workflow", id);
      return fromBytes(WorkflowSpecSchema, spec);
    },

    async list(_call: Call, query: ListQuery<WorkflowField>): Promise<WorkflowView[]> {
      return (await listWorkflows(db, query)).map(toView);
    },
  };
}

/** Stores a compiled version; false when it exists already. */
const store = (
  db: Db,
  id: VersionId,
  spec: WorkflowSpec,
  compiled: CompiledWorkflowClosure,
  state: NamedEntityState,
): Promise<boolean> =>
  insertWorkflow(
    db,
    {
      ...id,
      digest: sha256(workflowDigest(compiled)),
      shortDescription: storableText(spec.description?.shortDescription ?? ""),
      interface: toBytes(TypedInterfaceSchema, compiled.primary?.template?.interface ?? create(TypedInterfaceSchema)),
      spec: toBytes(WorkflowSpecSchema, spec),
      compiled: toBytes(CompiledWorkflowClosureSchema, compiled),
      createdAt: new Date(),
    },
    state,
  );

const toView = (row: WorkflowSummary): WorkflowView => ({
  id: { project: row.project, domain: row.domain, name: row.name, version: row.version },
  rowId: row.id,
  shortDescription: row.shortDescription,
  interface: fromBytes(TypedInterfaceSchema, row.interface),
  createdAt: row.createdAt,
  storedBytes: row.interface.length,
});

function failureReason(reason: "existsIdenticalStructure" | "existsDifferentStructure", id: VersionId): ErrorDetail {
  const value = { id: toIdentifier(ResourceType.WORKFLOW, id) };
  const message =
    reason === "existsIdenticalStructure"
      ? create(CreateWorkflowFailureReasonSchema, { reason: { case: "existsIdenticalStructure", value } })
      : create(CreateWorkflowFailureReasonSchema, { reason: { case: "existsDifferentStructure", value } });
  return {
    typeName: CreateWorkflowFailureReasonSchema.typeName,
    value: toBytes(CreateWorkflowFailureReasonSchema, message),
  };
}

async function conflictOf(db: Db, id: VersionId, compiled: CompiledWorkflowClosure): Promise<SkeinError> {
  const existing = await findWorkflow(db, id);
  if (!existing || isSameDigest(existing.digest, sha256(workflowDigest(compiled)))) {
    return identicalExists("workflow", id, [failureReason("existsIdenticalStructure", id)]);
  }
  const before = fromBytes(CompiledWorkflowClosureSchema, existing.compiled);
  const diff = structureDiff(CompiledWorkflowClosureSchema, before, compiled);
  return differentExists("workflow", id, diff, [failureReason("existsDifferentStructure", id)]);
}

import { clone, create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type Db,
  findActiveLaunchPlan,
  findLaunchPlan,
  insertLaunchPlan,
  type LaunchPlanField,
  type LaunchPlanRow,
  type LaunchPlanState,
  type ListQuery,
  listLaunchPlans,
  type NamedEntityState,
  type NameId,
  setLaunchPlanState,
  type VersionId,
} from "@skein/db";
import { canonicalBytes, compileLaunchPlan, structureDiff } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import {
  type LaunchPlanClosure,
  LaunchPlanClosureSchema,
  type LaunchPlanSpec,
  LaunchPlanSpecSchema,
} from "@skein/idl/admin";
import type { LimitBook } from "@skein/launch";
import { checkPlannedSchedule, plannedSchedule } from "@skein/schedule";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { checkGivingOut } from "../runs/giving-out.ts";
import { checkLimits } from "../runs/limit-annotations.ts";
import { checkNotifications } from "../runs/notifications.ts";
import type { CheckRawOutput } from "../runs/raw-output-rule.ts";
import { differentExists, identicalExists, notRegistered } from "./conflicts.ts";
import { isSameDigest, sha256 } from "./digest.ts";
import { checkText, checkVersionId, entityKey, invalid, storableText, toVersionId } from "./identity.ts";
import { launchPlanConcurrency } from "./launch-plan-concurrency.ts";
import { lruCache } from "./lru-cache.ts";
import type { WorkflowView } from "./workflow-service.ts";

/** One version of a launch plan. `state` is as old as the view: only a fresh read knows it. */
export interface LaunchPlanView {
  readonly id: VersionId;
  readonly rowId: number;
  readonly workflowRowId: number;
  readonly state: LaunchPlanState;
  readonly spec: LaunchPlanSpec;
  /** Without the state, which changes. */
  readonly closure: LaunchPlanClosure;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** What the row weighs, which is about what an answer that holds it weighs. */
  readonly storedBytes: number;
}

export type LaunchPlanFinder = (id: VersionId) => Promise<LaunchPlanView | undefined>;

const CACHED_MAX = 2_000;

/** Finds versions by a cache of what never changes about them. */
export function launchPlanFinder(db: Db): LaunchPlanFinder {
  const cache = lruCache<LaunchPlanView>(CACHED_MAX);
  return async (id) => {
    const key = entityKey(id);
    const cached = cache.get(key);
    if (cached) return cached;
    const row = await findLaunchPlan(db, id);
    if (!row) return undefined;
    const view = toView(row);
    cache.set(key, view);
    return view;
  };
}

export interface LaunchPlanDependencies {
  readonly db: Db;
  readonly projects: ProjectService;
  readonly checkRawOutput: CheckRawOutput;
  readonly find: LaunchPlanFinder;
  readonly findWorkflow: (id: VersionId) => Promise<WorkflowView | undefined>;
  readonly limits: Pick<LimitBook, "forget">;
}

export type LaunchPlanService = ReturnType<typeof launchPlanService>;

/** Rules for launch plans (contract 5.4). */
export function launchPlanService({
  db,
  projects,
  checkRawOutput,
  find,
  findWorkflow,
  limits,
}: LaunchPlanDependencies) {
  return {
    /** Registers an inactive version, with every input of the workflow listed as a parameter. */
    async register(call: Call, id: VersionId, sent: LaunchPlanSpec): Promise<void> {
      checkVersionId(id);
      if (!sent.workflowId) throw invalid("spec.workflow_id", "is missing: name the workflow to launch");
      const workflowId = toVersionId(sent.workflowId);
      checkVersionId(workflowId, "spec.workflow_id");
      call.authorize("registry:read", workflowId);
      checkNotifications("spec.entity_metadata.notifications", sent.entityMetadata?.notifications ?? []);
      checkLimits("spec.annotations", sent.annotations);
      checkGivingOut("spec", sent);
      checkRawOutput("spec.raw_output_data_config", id, sent.rawOutputDataConfig);
      await projects.requireActive(call, id.project, id.domain);
      const workflow = await findWorkflow(workflowId);
      if (!workflow) throw notRegistered("workflow", workflowId);
      await store(db, id, sent, workflow, "active");
    },

    /** Stores a launch plan that the server made itself. Harmless when it exists. */
    async ensureHidden(id: VersionId, spec: LaunchPlanSpec, workflow: WorkflowView): Promise<void> {
      await store(db, id, spec, workflow, "system_generated").catch((error: unknown) => {
        if (!(error instanceof SkeinError && error.code === "already_exists")) throw error;
      });
    },

    find,

    async get(_call: Call, id: VersionId): Promise<LaunchPlanView> {
      checkVersionId(id);
      const row = await findLaunchPlan(db, id);
      if (!row) throw notRegistered("launch plan", id);
      return toView(row);
    },

    async getActive(_call: Call, id: NameId): Promise<LaunchPlanView> {
      for (const part of ["project", "domain", "name"] as const) checkText(`id.${part}`, id[part]);
      const row = await findActiveLaunchPlan(db, id);
      if (row) return toView(row);
      const message = `No version of launch plan ${id.project}:${id.domain}:${id.name} is active.`;
      throw new SkeinError("not_found", "launch_plan_not_active", message);
    },

    /** Activating a version deactivates the one that is active, in one step, and begins to fire its schedule. */
    async setState(call: Call, id: VersionId, state: LaunchPlanState): Promise<void> {
      checkVersionId(id);
      const plan = await find(id);
      const schedule = plan && plannedSchedule(plan.spec);
      const change = { schedule, changedBy: storableText(call.caller.subject), at: new Date() };
      if (!(await setLaunchPlanState(db, id, state, change))) throw notRegistered("launch plan", id);
    },

    ...launchPlanConcurrency(db, limits),

    async list(_call: Call, query: ListQuery<LaunchPlanField>): Promise<LaunchPlanView[]> {
      return (await listLaunchPlans(db, query)).map(toView);
    },
  };
}

/** Completes, checks and stores a version; throws already_exists or invalid_argument where it exists. */
async function store(
  db: Db,
  id: VersionId,
  sent: LaunchPlanSpec,
  workflow: WorkflowView,
  state: NamedEntityState,
): Promise<void> {
  const compiled = compileLaunchPlan(sent, workflow.interface);
  if (compiled.problems.length > 0) {
    const message = `Launch plan ${entityKey(id)} is invalid: ${compiled.problems.join("; ")}.`;
    throw new SkeinError("invalid_argument", "launch_plan_invalid", message);
  }
  const spec = clone(LaunchPlanSpecSchema, sent);
  spec.defaultInputs = compiled.expectedInputs;
  checkPlannedSchedule(spec);
  const at = new Date();
  const closure = create(LaunchPlanClosureSchema, {
    expectedInputs: compiled.expectedInputs,
    expectedOutputs: compiled.expectedOutputs,
    createdAt: timestampFromDate(at),
    updatedAt: timestampFromDate(at),
  });
  const digest = sha256(canonicalBytes(spec));
  const inserted = await insertLaunchPlan(
    db,
    {
      ...id,
      workflowId: workflow.rowId,
      digest,
      scheduleType: plannedSchedule(spec)?.definition.kind ?? "none",
      spec: toBytes(LaunchPlanSpecSchema, spec),
      closure: toBytes(LaunchPlanClosureSchema, closure),
      createdAt: at,
    },
    state,
  );
  if (inserted) return;
  const existing = await findLaunchPlan(db, id);
  if (!existing || isSameDigest(existing.digest, digest)) throw identicalExists("launch plan", id);
  const before = fromBytes(LaunchPlanSpecSchema, existing.spec);
  throw differentExists("launch plan", id, structureDiff(LaunchPlanSpecSchema, before, spec));
}

const toView = (row: LaunchPlanRow): LaunchPlanView => ({
  id: { project: row.project, domain: row.domain, name: row.name, version: row.version },
  rowId: row.id,
  workflowRowId: row.workflowId,
  state: row.state,
  spec: fromBytes(LaunchPlanSpecSchema, row.spec),
  closure: fromBytes(LaunchPlanClosureSchema, row.closure),
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  storedBytes: row.spec.length + row.closure.length,
});

import { sql } from "drizzle-orm";
import { bigint, index, pgEnum, pgTable, primaryKey, text, unique, uniqueIndex } from "drizzle-orm/pg-core";
import { bytea, createdAt, updatedAt } from "./columns.ts";

const key = () => bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity();
const identity = () => ({
  org: text().notNull().default(""),
  project: text().notNull(),
  domain: text().notNull(),
  name: text().notNull(),
  version: text().notNull(),
});

/** One immutable version of a task. */
export const tasks = pgTable(
  "tasks",
  {
    id: key(),
    ...identity(),
    /** `python-task`, `echo`, `raw-container`, … */
    type: text().notNull(),
    /** SHA-256 of the compiled task: the same version with another digest is refused. */
    digest: bytea().notNull(),
    shortDescription: text().notNull().default(""),
    /** `flyteidl.admin.TaskSpec` as sent. */
    spec: bytea().notNull(),
    /** `flyteidl.admin.TaskClosure`. */
    closure: bytea().notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique("tasks_identity").on(t.project, t.domain, t.name, t.version),
    index("tasks_newest_idx").on(t.project, t.domain, t.createdAt),
  ],
);

/** One immutable version of a workflow, compiled by the server. */
export const workflows = pgTable(
  "workflows",
  {
    id: key(),
    ...identity(),
    digest: bytea().notNull(),
    shortDescription: text().notNull().default(""),
    /** `flyteidl.core.TypedInterface`, for lists. */
    interface: bytea().notNull(),
    /** `flyteidl.admin.WorkflowSpec` as sent. */
    spec: bytea().notNull(),
    /** `flyteidl.core.CompiledWorkflowClosure`. */
    compiled: bytea().notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique("workflows_identity").on(t.project, t.domain, t.name, t.version),
    index("workflows_newest_idx").on(t.project, t.domain, t.createdAt),
  ],
);

export const LAUNCH_PLAN_STATES = ["inactive", "active"] as const;
export const launchPlanState = pgEnum("launch_plan_state", LAUNCH_PLAN_STATES);

/** One version of a launch plan. At most one version of a name is active (a partial unique index). */
export const launchPlans = pgTable(
  "launch_plans",
  {
    id: key(),
    ...identity(),
    workflowId: bigint({ mode: "number" })
      .notNull()
      .references(() => workflows.id),
    state: launchPlanState().notNull().default("inactive"),
    digest: bytea().notNull(),
    /** none, cron or rate: flytectl filters by it. */
    scheduleType: text().notNull().default("none"),
    /** `flyteidl.admin.LaunchPlanSpec` with the default inputs augmented (contract 5.4). */
    spec: bytea().notNull(),
    /** `flyteidl.admin.LaunchPlanClosure` without the state, which is a column. */
    closure: bytea().notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique("launch_plans_identity").on(t.project, t.domain, t.name, t.version),
    index("launch_plans_newest_idx").on(t.project, t.domain, t.createdAt),
    index("launch_plans_workflow_idx").on(t.workflowId),
    uniqueIndex("launch_plans_one_active").on(t.project, t.domain, t.name).where(sql`${t.state} = 'active'`),
  ],
);

/** flyteidl.core.ResourceType in words. */
export const RESOURCE_TYPES = ["task", "workflow", "launch_plan", "dataset"] as const;
export const resourceType = pgEnum("resource_type", RESOURCE_TYPES);
export const NAMED_ENTITY_STATES = ["active", "archived", "system_generated"] as const;
export const namedEntityState = pgEnum("named_entity_state", NAMED_ENTITY_STATES);

/** A name over all its versions. Written with the first version, so that lists of names need no DISTINCT. */
export const namedEntities = pgTable(
  "named_entities",
  {
    org: text().notNull().default(""),
    resourceType: resourceType().notNull(),
    project: text().notNull(),
    domain: text().notNull(),
    name: text().notNull(),
    description: text().notNull().default(""),
    state: namedEntityState().notNull().default("active"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [primaryKey({ columns: [t.resourceType, t.project, t.domain, t.name] })],
);

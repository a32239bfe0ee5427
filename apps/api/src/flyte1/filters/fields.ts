import type {
  ActionField,
  AttemptField,
  LaunchPlanField,
  NamedEntityField,
  ProjectField,
  RunField,
  TaskField,
  WorkflowField,
} from "@skein/db";
import type { FieldKind } from "./field-kinds.ts";
import type { FlyteField, FlyteListFields } from "./list-request.ts";
import {
  ACTION_PHASE_WORDS,
  ATTEMPT_PHASE_WORDS,
  ENTITY_STATE_WORDS,
  ERROR_KIND_WORDS,
  LAUNCH_PLAN_STATE_WORDS,
  MODE_WORDS,
  PROJECT_STATE_WORDS,
  RESOURCE_TYPE_WORDS,
  RUN_PHASE_WORDS,
  RUN_STATE_WORDS,
} from "./words.ts";

const text = <F extends string>(field: F) => ({ kind: "text", field }) as const;
const whole = <F extends string>(field: F) => ({ kind: "whole", field }) as const;
const time = <F extends string>(field: F) => ({ kind: "time", field }) as const;
const seconds = <F extends string>(field: F) => ({ kind: "duration", field }) as const;
const words = <F extends string>(field: F, list: Readonly<Record<string, readonly string[]>>) =>
  ({ kind: "words", words: list, field }) as const satisfies FieldKind & { field: F };

const identity = <F extends string>(project: F, domain: F, name: F, version: F): Record<string, FlyteField<F>> => ({
  project: text(project),
  domain: text(domain),
  name: text(name),
  version: text(version),
});

const ages = { created_at: time("createdAt"), updated_at: time("updatedAt") } as const;

/** The names are the columns of Flyte's own database, because those are what its clients send (contract 3.3). */
export const TASK_FIELDS: FlyteListFields<TaskField> = {
  entity: "task",
  own: {
    ...identity<TaskField>("project", "domain", "name", "version"),
    id: whole("id"),
    type: text("type"),
    short_description: text("shortDescription"),
    ...ages,
  },
};

export const WORKFLOW_FIELDS: FlyteListFields<WorkflowField> = {
  entity: "workflow",
  own: {
    ...identity<WorkflowField>("project", "domain", "name", "version"),
    id: whole("id"),
    short_description: text("shortDescription"),
    ...ages,
  },
};

export const LAUNCH_PLAN_FIELDS: FlyteListFields<LaunchPlanField> = {
  entity: "launch_plan",
  own: {
    ...identity<LaunchPlanField>("project", "domain", "name", "version"),
    id: whole("id"),
    state: words("state", LAUNCH_PLAN_STATE_WORDS),
    schedule_type: text("scheduleType"),
    ...ages,
  },
  joined: {
    workflow: identity<LaunchPlanField>("workflowProject", "workflowDomain", "workflowName", "workflowVersion"),
  },
};

export const EXECUTION_FIELDS: FlyteListFields<RunField> = {
  entity: "execution",
  own: {
    project: text("project"),
    domain: text("domain"),
    name: text("name"),
    execution_project: text("project"),
    execution_domain: text("domain"),
    execution_name: text("name"),
    phase: words("phase", RUN_PHASE_WORDS),
    state: words("state", RUN_STATE_WORDS),
    mode: words("mode", MODE_WORDS),
    user: text("principal"),
    cluster: text("cluster"),
    error_kind: words("errorKind", ERROR_KIND_WORDS),
    error_code: text("errorCode"),
    abort_cause: text("abortCause"),
    duration: seconds("duration"),
    started_at: time("startedAt"),
    execution_created_at: time("createdAt"),
    execution_updated_at: time("updatedAt"),
    launch_entity: words("launchEntity", { TASK: ["task"], LAUNCH_PLAN: ["launch_plan"] }),
    ...ages,
  },
  joined: {
    workflow: identity<RunField>("workflowProject", "workflowDomain", "workflowName", "workflowVersion"),
    launch_plan: identity<RunField>("launchPlanProject", "launchPlanDomain", "launchPlanName", "launchPlanVersion"),
    task: identity<RunField>("taskProject", "taskDomain", "taskName", "taskVersion"),
    execution_tag: { key: text("tag"), value: text("tagValue") },
    // Its former name.
    admin_tag: { name: text("tag") },
  },
};

const executionOfAction = {
  phase: words("runPhase", RUN_PHASE_WORDS),
  state: words("runState", RUN_STATE_WORDS),
  mode: words("runMode", MODE_WORDS),
  name: text("runName"),
} as const;

export const NODE_EXECUTION_FIELDS: FlyteListFields<ActionField> = {
  entity: "node_execution",
  own: {
    id: whole("ordinal"),
    node_id: text("name"),
    phase: words("phase", ACTION_PHASE_WORDS),
    error_kind: words("errorKind", ERROR_KIND_WORDS),
    error_code: text("errorCode"),
    duration: seconds("duration"),
    started_at: time("startedAt"),
    node_execution_created_at: time("createdAt"),
    node_execution_updated_at: time("updatedAt"),
    ...ages,
  },
  joined: { execution: executionOfAction },
};

export const TASK_EXECUTION_FIELDS: FlyteListFields<AttemptField> = {
  entity: "task_execution",
  own: {
    retry_attempt: whole("attempt"),
    phase: words("phase", ATTEMPT_PHASE_WORDS),
    error_kind: words("errorKind", ERROR_KIND_WORDS),
    error_code: text("errorCode"),
    duration: seconds("duration"),
    started_at: time("startedAt"),
    task_execution_created_at: time("createdAt"),
    task_execution_updated_at: time("updatedAt"),
    ...ages,
  },
  joined: {
    execution: executionOfAction,
    node_execution: { node_id: text("actionName"), phase: words("actionPhase", ACTION_PHASE_WORDS) },
    task: identity<AttemptField>("taskProject", "taskDomain", "taskName", "taskVersion"),
  },
};

const named = {
  project: text("project"),
  domain: text("domain"),
  name: text("name"),
  ...ages,
} as const;
const metadata = {
  state: words("state", ENTITY_STATE_WORDS),
  description: text("description"),
  resource_type: words("resourceType", RESOURCE_TYPE_WORDS),
} as const;

export const NAMED_ENTITY_FIELDS: FlyteListFields<NamedEntityField> = {
  entity: "entities",
  own: { ...named, ...metadata },
  joined: { named_entity_metadata: { ...named, ...metadata }, named_entity: { ...named, ...metadata } },
};

export const PROJECT_FIELDS: FlyteListFields<ProjectField> = {
  entity: "project",
  own: {
    identifier: text("id"),
    name: text("name"),
    description: text("description"),
    state: words("state", PROJECT_STATE_WORDS),
    ...ages,
  },
};

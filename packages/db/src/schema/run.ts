import { RUN_PHASES } from "@skein/engine";
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { bytea, createdAt, moment, updatedAt } from "./columns.ts";
import { launchPlans, tasks, workflows } from "./registry.ts";

export const runPhase = pgEnum("run_phase", RUN_PHASES);
export const ERROR_KINDS = ["user", "system"] as const;
export const errorKind = pgEnum("error_kind", ERROR_KINDS);
/** How a run came to be: flyteidl.admin.ExecutionMetadata.ExecutionMode in words. */
export const RUN_MODES = [
  "manual",
  "scheduled",
  "system",
  "relaunch",
  "child_workflow",
  "recovered",
  "trigger",
] as const;
export const runMode = pgEnum("run_mode", RUN_MODES);
/** A purged run is nobody's any more: its row only keeps its name from being taken while something of it is left. */
export const RUN_STATES = ["active", "archived", "purged"] as const;
export const runState = pgEnum("run_state", RUN_STATES);

/** One execution of a workflow or task. Inserted by the api as `queued`; only the scheduler changes its phase. */
export const runs = pgTable(
  "runs",
  {
    id: uuid().primaryKey(),
    org: text().notNull().default(""),
    project: text().notNull(),
    domain: text().notNull(),
    /** What clients call the run. */
    name: text().notNull(),
    shard: smallint().notNull(),
    phase: runPhase().notNull().default("queued"),
    /** The scheduler's fence: it commits only if nobody advanced the run in between. */
    version: integer().notNull().default(0),
    /** Grows with every visible change of the run or of anything under it; watchers read what is above their cursor. */
    changedSeq: bigint({ mode: "number" }).notNull().default(1),
    state: runState().notNull().default("active"),
    mode: runMode().notNull(),
    principal: text().notNull(),
    /** The launch plan launched; null for a single task. */
    launchPlanId: bigint({ mode: "number" }).references(() => launchPlans.id),
    /** The task launched; null for a launch plan. */
    taskId: bigint({ mode: "number" }).references(() => tasks.id),
    /** The compiled graph that runs; for a single task the hidden workflow around it. */
    workflowId: bigint({ mode: "number" })
      .notNull()
      .references(() => workflows.id),
    /** The run that this one repeats (relaunch, recover). */
    referenceRunId: uuid(),
    /** For a recovered run: names of actions of the reference from which on everything is done anew, finished or not. */
    rerunFrom: text().array(),
    /** For a child run: the launch plan's action that started it, and that action's try. */
    parentRunId: uuid(),
    parentOrdinal: integer(),
    parentAttempt: integer(),
    /** The launch asked to compute anew what the cache holds. */
    overwriteCache: boolean().notNull().default(false),
    /** Orders of a run with a higher one go first. */
    priority: smallint().notNull().default(0),
    /** Whose agents do its work; empty for the default pool. */
    pool: text().notNull().default(""),
    /** How many of its tasks may be under way at once; 0 for any number. */
    maxParallelism: integer().notNull().default(0),
    /** How long an attempt may wait for an agent; 0 for ever. */
    queueTimeoutMs: bigint({ mode: "number" }).notNull().default(0),
    /** How its tasks are given more memory after running out of it, in the words of its annotation; empty leaves it to each. */
    memoryGrowth: text().notNull().default(""),
    /** Somebody wants to hear of its end. */
    hasNotifications: boolean().notNull().default(false),
    /** Inputs that it can be found by: simple values by their names. */
    foundInputs: jsonb(),
    cluster: text().notNull().default(""),
    /** `flyteidl.admin.ExecutionSpec`, merged over launch plan and defaults (contract 6.1). */
    spec: bytea().notNull(),
    errorCode: text(),
    errorMessage: text(),
    errorKind: errorKind(),
    abortCause: text(),
    abortPrincipal: text(),
    stateChangedBy: text(),
    stateChangedAt: moment(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: moment(),
    endedAt: moment(),
    /** Seconds, once ended. */
    duration: doublePrecision().generatedAlwaysAs(sql`extract(epoch from ended_at - started_at)::double precision`),
  },
  (t) => [
    unique("runs_identity").on(t.project, t.domain, t.name),
    uniqueIndex("runs_parent_idx")
      .on(t.parentRunId, t.parentOrdinal, t.parentAttempt)
      .where(sql`${t.parentRunId} is not null`),
    // What most lists ask for is decided in the index, so that a page deep in a long list reads few rows. None of it changes
    // without the phase, which every change of a row's index entries waits for anyhow.
    index("runs_newest_idx").on(
      t.project,
      t.domain,
      t.createdAt,
      t.id,
      t.phase,
      t.state,
      t.workflowId,
      t.startedAt,
      t.duration,
      t.mode,
      // Names of people may be longer than an index entry.
      sql`hashtext(${t.principal})`,
    ),
    index("runs_failed_idx")
      .on(t.project, t.domain, t.createdAt, t.id)
      .where(sql`${t.phase} in ('failing', 'failed', 'aborting', 'aborted')`),
    index("runs_found_inputs_idx")
      .using("gin", t.foundInputs.op("jsonb_path_ops"))
      .where(sql`${t.foundInputs} is not null`),
    index("runs_unfinished_idx").on(t.shard).where(sql`${t.phase} not in ('succeeded', 'failed', 'aborted')`),
    check(
      "runs_ended_iff_terminal",
      sql`(${t.phase} in ('succeeded', 'failed', 'aborted')) = (${t.endedAt} is not null)`,
    ),
    check("runs_error_iff_failing", sql`(${t.phase} in ('failing', 'failed')) <= (${t.errorCode} is not null)`),
  ],
);

/** What a launch gave its run to be found by: tags, which have no value, and labels (`flyteidl.admin.ExecutionSpec`). */
export const runTags = pgTable(
  "run_tags",
  { runId: uuid().notNull(), tag: text().notNull(), value: text().notNull().default("") },
  (t) => [primaryKey({ columns: [t.runId, t.tag, t.value] }), index("run_tags_tag_idx").on(t.tag, t.value)],
);

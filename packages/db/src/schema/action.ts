import { ACTION_KINDS, ACTION_PHASES } from "@skein/engine";
import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  doublePrecision,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { bytea, createdAt, moment, updatedAt } from "./columns.ts";
import { errorKind } from "./run.ts";

export const actionPhase = pgEnum("action_phase", ACTION_PHASES);
export const actionKind = pgEnum("action_kind", ACTION_KINDS);
export const valueSide = pgEnum("value_side", ["inputs", "outputs"]);

/** One step of a run. Its rows are written only by the scheduler, in the transaction that also writes its commands. */
export const actions = pgTable(
  "actions",
  {
    runId: uuid().notNull(),
    /** 0 is the run's start-node, 1 its end-node; then in order of creation. */
    ordinal: integer().notNull(),
    org: text().notNull().default(""),
    project: text().notNull(),
    domain: text().notNull(),
    /** What clients call it: Flyte 1's unique node id. */
    name: text().notNull(),
    parentOrdinal: integer(),
    /** The node's id in its template. */
    specNodeId: text().notNull(),
    kind: actionKind().notNull(),
    /** `project:domain:name:version`, for kind task. */
    taskKey: text(),
    phase: actionPhase().notNull(),
    attempts: integer().notNull().default(0),
    userFailures: integer().notNull().default(0),
    systemFailures: integer().notNull().default(0),
    errorCode: text(),
    errorMessage: text(),
    errorKind: errorKind(),
    /** Object store URI of the deck, when a task wrote one. */
    deckUri: text(),
    /** The run's `changed_seq` when this row changed last. */
    changedSeq: bigint({ mode: "number" }).notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: moment(),
    endedAt: moment(),
    duration: doublePrecision().generatedAlwaysAs(sql`extract(epoch from ended_at - started_at)::double precision`),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.ordinal] }),
    unique("actions_name").on(t.runId, t.name),
    index("actions_parent_idx").on(t.runId, t.parentOrdinal),
    check(
      "actions_ended_iff_terminal",
      sql`(${t.phase} in ('succeeded', 'failed', 'aborted', 'skipped')) = (${t.endedAt} is not null)`,
    ),
    check("actions_failures_within_attempts", sql`${t.userFailures} + ${t.systemFailures} <= ${t.attempts}`),
  ],
);

/** A serialized `flyteidl.core.LiteralMap`: here, or in the object store at `uri`. Written once. */
export const actionValues = pgTable(
  "action_values",
  {
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    side: valueSide().notNull(),
    data: bytea(),
    uri: text(),
    sizeBytes: bigint({ mode: "number" }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.ordinal, t.side] }),
    check("action_values_in_one_place", sql`(${t.data} is null) <> (${t.uri} is null)`),
  ],
);

/** What the user gave at launch, before defaults: a relaunch starts from it. */
export const runInputs = pgTable("run_inputs", {
  runId: uuid().primaryKey(),
  data: bytea(),
  uri: text(),
  sizeBytes: bigint({ mode: "number" }).notNull(),
});

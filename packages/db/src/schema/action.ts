import { ACTION_KINDS, ACTION_PHASES, CACHE_STATUSES } from "@skein/engine";
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
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
export const cacheStatus = pgEnum("cache_status", CACHE_STATUSES);
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
    /** For a map's item: its index. Its ordinal is the map's ordinal + 1 + index. */
    itemIndex: integer(),
    /** For a map: how many items it has. */
    itemCount: integer(),
    /** The action whose inputs are also this one's. */
    inputsOrdinal: integer(),
    /** The action of the recovered run that stands at the same place. */
    referenceOrdinal: integer(),
    phase: actionPhase().notNull(),
    attempts: integer().notNull().default(0),
    userFailures: integer().notNull().default(0),
    systemFailures: integer().notNull().default(0),
    errorCode: text(),
    errorMessage: text(),
    errorKind: errorKind(),
    cacheStatus: cacheStatus().notNull().default("disabled"),
    /** The key under which the cache holds the outputs, once known. */
    cacheKey: text(),
    /** The cache entry that the outputs came from (hit) or went to (populated). */
    cacheEntryId: uuid(),
    /** Its outputs were taken over from the recovered run. */
    isRecovered: boolean().notNull().default(false),
    /** Its task wrote a workflow instead of outputs; it stands in `expansions`. */
    isExpanded: boolean().notNull().default(false),
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
    index("actions_cache_entry_idx").on(t.cacheEntryId).where(sql`${t.cacheEntryId} is not null`),
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
    // Who else holds an object: a recovered run, and whoever took it from the cache, point at another run's.
    index("action_values_uri_idx").on(t.uri).where(sql`${t.uri} is not null`),
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

/** What a task wrote instead of outputs (a dynamic workflow). */
export const expansions = pgTable(
  "expansions",
  {
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    /** `flyteidl.core.CompiledWorkflowClosure`: here, or in the object store at `uri`. */
    compiled: bytea(),
    uri: text(),
    /** Where the task left its `flyteidl.core.DynamicJobSpec`. */
    specUri: text().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.ordinal] }),
    index("expansions_spec_uri_idx").on(t.specUri),
    index("expansions_uri_idx").on(t.uri).where(sql`${t.uri} is not null`),
    check("expansions_in_one_place", sql`(${t.compiled} is null) <> (${t.uri} is null)`),
  ],
);

/** A gate that waits, or has waited, for somebody's answer. */
export const signals = pgTable(
  "signals",
  {
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    /** The gate's signal id: what users call it. */
    signalId: text().notNull(),
    /** Whether the answer is a yes or no, which lets the gate's inputs through or fails it. */
    isApproval: boolean().notNull(),
    /** `flyteidl.core.LiteralType` of the answer. */
    type: bytea().notNull(),
    /** The answer, a `flyteidl.core.Literal`. Given once. */
    value: bytea(),
    setBy: text(),
    setAt: moment(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.ordinal] }), index("signals_id_idx").on(t.runId, t.signalId)],
);

/** Which objects an action made or used: the lineage of artifacts. */
export const artifactLinks = pgTable(
  "artifact_links",
  {
    /** MD5 of the URI: URIs are longer than an index entry may be. */
    uriHash: uuid().notNull(),
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    side: valueSide().notNull(),
    uri: text().notNull(),
    /** Name of the variable that holds it. */
    variable: text().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.uriHash, t.runId, t.ordinal, t.side, t.variable] }),
    index("artifact_links_run_idx").on(t.runId),
  ],
);

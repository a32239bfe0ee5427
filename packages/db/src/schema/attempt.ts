import { ORDER_KINDS } from "@skein/contracts";
import { ATTEMPT_PHASES } from "@skein/engine";
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
  uuid,
} from "drizzle-orm/pg-core";
import { bytea, moment, updatedAt } from "./columns.ts";
import { errorKind } from "./run.ts";

export const orderKind = pgEnum("order_kind", ORDER_KINDS);
export const attemptPhase = pgEnum("attempt_phase", ATTEMPT_PHASES);

/** One try of an action. Only the scheduler writes it; a claim stands in a table of its own. */
export const attempts = pgTable(
  "attempts",
  {
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    /** From 0. */
    attempt: integer().notNull(),
    org: text().notNull().default(""),
    project: text().notNull(),
    shard: smallint().notNull(),
    pool: text().notNull(),
    kind: orderKind().notNull(),
    phase: attemptPhase().notNull(),
    /** SHA-256 of the attempt's token. */
    tokenHash: bytea().notNull(),
    /** The agent that made it, once it reported. */
    agentId: text(),
    /** Why it has not begun, in its agent's words; kept for people only. */
    waitingReason: text(),
    /** `sha256:…` of the image that ran. */
    imageDigest: text(),
    /** Where its log lies, once it is over and its pieces were put together. */
    logUri: text(),
    logBytes: bigint({ mode: "number" }),
    queuedAt: moment().notNull(),
    /** When its order went to the queue once more, because nobody had claimed it. */
    republishedAt: moment(),
    startedAt: moment(),
    endedAt: moment(),
    updatedAt: updatedAt(),
    duration: doublePrecision().generatedAlwaysAs(sql`extract(epoch from ended_at - started_at)::double precision`),
    errorCode: text(),
    errorMessage: text(),
    errorKind: errorKind(),
    errorRecoverable: boolean(),
    changedSeq: bigint({ mode: "number" }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.ordinal, t.attempt] }),
    index("attempts_queued_idx").on(t.pool, t.queuedAt).where(sql`${t.phase} = 'queued'`),
    check(
      "attempts_ended_iff_terminal",
      sql`(${t.phase} in ('succeeded', 'failed', 'aborted')) = (${t.endedAt} is not null)`,
    ),
    check("attempts_error_iff_failed", sql`(${t.phase} = 'failed') <= (${t.errorCode} is not null)`),
  ],
);

/**
 * The right to make an attempt, held by one agent. The primary key is the fence: a second insert is refused. The api
 * inserts it; the scheduler deletes it in the transaction that ends the attempt.
 */
export const claims = pgTable(
  "claims",
  {
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    attempt: integer().notNull(),
    agentId: text().notNull(),
    shard: smallint().notNull(),
    claimedAt: moment().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.ordinal, t.attempt] }), index("claims_agent_idx").on(t.agentId)],
);

/** A live or recent agent. One heartbeat extends the lease of all its claims. */
export const agents = pgTable("agents", {
  id: text().primaryKey(),
  org: text().notNull().default(""),
  pool: text().notNull(),
  runtime: text().notNull(),
  version: text().notNull(),
  slots: integer().notNull(),
  cpuMillis: integer().notNull(),
  memoryMib: integer().notNull(),
  gpus: integer().notNull(),
  draining: boolean().notNull().default(false),
  /** It was asked to take nothing more. */
  isCordoned: boolean().notNull().default(false),
  labels: jsonb().notNull().default({}),
  startedAt: moment().notNull().defaultNow(),
  heartbeatAt: moment().notNull(),
  leaseExpiresAt: moment().notNull(),
});

/** What tasks wrote to stdout and stderr, in pieces; `offset` is the first byte's place in the whole. */
export const logChunks = pgTable(
  "log_chunks",
  {
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    attempt: integer().notNull(),
    offset: bigint({ mode: "number" }).notNull(),
    writtenAt: moment().notNull().defaultNow(),
    data: bytea().notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.ordinal, t.attempt, t.offset] })],
);

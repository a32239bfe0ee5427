import { ERRAND_KINDS, TIMER_KINDS } from "@skein/engine";
import { sql } from "drizzle-orm";
import {
  bigint,
  check,
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
import { orderKind } from "./attempt.ts";
import { createdAt, moment, updatedAt } from "./columns.ts";

/** Facts made by the api (a run was started, an abort was asked for) that no advance has applied yet. */
export const events = pgTable(
  "events",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    runId: uuid().notNull(),
    shard: smallint().notNull(),
    /** An `EngineEvent`. */
    event: jsonb().notNull(),
    createdAt: createdAt(),
  },
  (t) => [index("events_shard_idx").on(t.shard, t.id)],
);

/**
 * Orders that wait for room in their pool's window or were just committed, and those of containers that were published
 * and are not over. Echo orders go when they are published; the others when their attempts end.
 */
export const commands = pgTable(
  "commands",
  {
    /** Says which is older. */
    id: bigint({ mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    attempt: integer().notNull(),
    shard: smallint().notNull(),
    project: text().notNull().default(""),
    pool: text().notNull(),
    kind: orderKind().notNull(),
    priority: smallint().notNull().default(0),
    /** Null for an order that is not in the queue yet. */
    publishedAt: moment(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.ordinal, t.attempt] }),
    index("commands_waiting_idx").on(t.pool, t.kind, t.priority, t.project, t.id).where(sql`${t.publishedAt} is null`),
    index("commands_published_idx").on(t.pool, t.project).where(sql`${t.publishedAt} is not null`),
  ],
);

/** How the attempts of a project share a pool with those of others. A project without a row has weight 1 and no limit. */
export const poolShares = pgTable(
  "pool_shares",
  {
    pool: text().notNull(),
    project: text().notNull(),
    /** A project with 2 gets twice as many places as one with 1. */
    weight: integer().notNull().default(1),
    /** How many of its attempts may be under way at once; null for any number. */
    runningMax: integer(),
    updatedBy: text().notNull(),
    updatedAt: updatedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.pool, t.project] }),
    check("pool_shares_weight", sql`${t.weight} between 1 and 1000`),
    check("pool_shares_running_max", sql`${t.runningMax} >= 0`),
  ],
);

/** Runs that wait until fewer runs of their launch plan are unfinished. They are `queued`, and no event starts them yet. */
export const waitingRuns = pgTable(
  "waiting_runs",
  {
    runId: uuid().primaryKey(),
    /** The launch plan's, all versions together. */
    project: text().notNull(),
    domain: text().notNull(),
    name: text().notNull(),
    /** How many may be unfinished at once. */
    runsMax: integer().notNull(),
    priority: smallint().notNull().default(0),
    /** Says which is older. */
    id: bigint({ mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    createdAt: createdAt(),
  },
  (t) => [index("waiting_runs_next_idx").on(t.project, t.domain, t.name, t.priority, t.id)],
);

/** What people decided about all versions of a launch plan; it wins over what the versions say. */
export const launchPlanLimits = pgTable(
  "launch_plan_limits",
  {
    project: text().notNull(),
    domain: text().notNull(),
    name: text().notNull(),
    /** 0 for any number. */
    runsMax: integer().notNull(),
    /** What becomes of a launch above that: `skip`, `queue` or `replace`. */
    whenFull: text().notNull(),
    updatedBy: text().notNull(),
    updatedAt: updatedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.project, t.domain, t.name] }),
    check("launch_plan_limits_runs_max", sql`${t.runsMax} >= 0`),
    check("launch_plan_limits_when_full", sql`${t.whenFull} in ('skip', 'queue', 'replace')`),
  ],
);

export const timerKind = pgEnum("timer_kind", TIMER_KINDS);

export const errandKind = pgEnum("errand_kind", ERRAND_KINDS);

/** Work that the scheduler does itself. Deleted by the commit that applies its outcome, or once there is nobody to tell. */
export const errands = pgTable(
  "errands",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    attempt: integer().notNull(),
    shard: smallint().notNull(),
    kind: errandKind().notNull(),
    createdAt: createdAt(),
  },
  (t) => [index("errands_shard_idx").on(t.shard, t.id), index("errands_action_idx").on(t.runId, t.ordinal)],
);

/** Moments at which an attempt must hear something. Deleted when fired or cleared. */
export const timers = pgTable(
  "timers",
  {
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    attempt: integer().notNull(),
    kind: timerKind().notNull(),
    shard: smallint().notNull(),
    dueAt: moment().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.ordinal, t.attempt, t.kind] }),
    index("timers_due_idx").on(t.shard, t.dueAt),
  ],
);

/** Which scheduler advances the runs of a shard. A lease not renewed in time may be taken. */
export const shards = pgTable("shards", {
  id: smallint().primaryKey(),
  owner: text(),
  leaseExpiresAt: moment(),
});

/** Live schedulers, so that each knows its fair share of the shards. */
export const schedulers = pgTable("schedulers", {
  id: text().primaryKey(),
  leaseExpiresAt: moment().notNull(),
});

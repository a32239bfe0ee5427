import { ERRAND_KINDS, TIMER_KINDS } from "@skein/engine";
import { bigint, index, integer, jsonb, pgEnum, pgTable, primaryKey, smallint, text, uuid } from "drizzle-orm/pg-core";
import { orderKind } from "./attempt.ts";
import { createdAt, moment } from "./columns.ts";

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

/** Orders that are not in the queue yet: just committed, or waiting for room in their pool's window. Deleted once published. */
export const commands = pgTable(
  "commands",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    runId: uuid().notNull(),
    ordinal: integer().notNull(),
    attempt: integer().notNull(),
    shard: smallint().notNull(),
    pool: text().notNull(),
    kind: orderKind().notNull(),
    priority: smallint().notNull().default(0),
    createdAt: createdAt(),
  },
  (t) => [index("commands_next_idx").on(t.pool, t.priority.desc().nullsFirst(), t.id)],
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

import type { ScheduleDefinition, SchedulePolicy } from "@skein/schedule";
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { createdAt, moment, updatedAt } from "./columns.ts";
import { launchPlans } from "./registry.ts";

/** When launch plans of a name start by themselves. The row outlives its versions, and with it what people set. */
export const schedules = pgTable(
  "schedules",
  {
    project: text().notNull(),
    domain: text().notNull(),
    name: text().notNull(),
    /** Whose owner fires it. */
    shard: smallint().notNull(),
    /** The active version, if it has a schedule; null while nothing is to be fired. */
    launchPlanId: bigint({ mode: "number" }).references(() => launchPlans.id),
    definition: jsonb().$type<ScheduleDefinition>().notNull(),
    /** What the version's annotations say. */
    planPolicy: jsonb().$type<SchedulePolicy>().notNull(),
    /** What people set for the name. It wins over the annotations. */
    ownPolicy: jsonb().$type<SchedulePolicy>().notNull().default({}),
    isPaused: boolean().notNull().default(false),
    /** Where a rate is counted from. */
    anchorAt: moment().notNull(),
    /** Every tick up to this moment has a row, or is not wanted. */
    consideredAt: moment().notNull(),
    /** When a scheduler looks next: at the next tick, or at once after a change. */
    wakeAt: moment(),
    activatedAt: moment().notNull(),
    activatedBy: text().notNull(),
    updatedBy: text().notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.project, t.domain, t.name] }),
    index("schedules_wake_idx").on(t.shard, t.wakeAt).where(sql`${t.wakeAt} is not null`),
  ],
);

export const BACKFILL_PHASES = ["running", "paused", "cancelled", "done"] as const;
export const backfillPhase = pgEnum("backfill_phase", BACKFILL_PHASES);
export const BACKFILL_ORDERS = ["oldest", "newest"] as const;
export const backfillOrder = pgEnum("backfill_order", BACKFILL_ORDERS);

/** A wish to run a launch plan for every tick of a range of time that is over. */
export const backfills = pgTable(
  "backfills",
  {
    id: uuid().primaryKey(),
    project: text().notNull(),
    domain: text().notNull(),
    name: text().notNull(),
    shard: smallint().notNull(),
    launchPlanId: bigint({ mode: "number" })
      .notNull()
      .references(() => launchPlans.id),
    phase: backfillPhase().notNull().default("running"),
    definition: jsonb().$type<ScheduleDefinition>().notNull(),
    timeZone: text().notNull(),
    /** The input that is given the moment of the tick; empty for none. */
    kickoffInput: text().notNull(),
    fromAt: moment().notNull(),
    toAt: moment().notNull(),
    /** Which ticks go first. */
    order: backfillOrder().notNull(),
    /** How many of its runs go on at once. */
    maxParallel: integer().notNull(),
    overwriteCache: boolean().notNull(),
    /** Whether ticks that have a run get another one. */
    again: boolean().notNull(),
    /** How many ticks the range has, with those that it left alone because they had their run. */
    tickCount: integer().notNull(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    endedAt: moment(),
  },
  (t) => [
    index("backfills_newest_idx").on(t.project, t.domain, t.createdAt),
    index("backfills_running_idx").on(t.shard).where(sql`${t.phase} = 'running'`),
  ],
);

export const TICK_OUTCOMES = ["pending", "launched", "skipped", "missed", "failed", "cancelled"] as const;
export const tickOutcome = pgEnum("tick_outcome", TICK_OUTCOMES);

/** A moment at which a launch plan was to be started, and what came of it. Unique, so that no tick makes two runs. */
export const scheduleTicks = pgTable(
  "schedule_ticks",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    project: text().notNull(),
    domain: text().notNull(),
    name: text().notNull(),
    fireAt: moment().notNull(),
    /** Empty, or the backfill that does it anew. */
    again: text().notNull().default(""),
    shard: smallint().notNull(),
    /** The version to launch. */
    launchPlanId: bigint({ mode: "number" })
      .notNull()
      .references(() => launchPlans.id),
    /** The backfill that launches it; null for the schedule itself. */
    backfillId: uuid().references(() => backfills.id),
    outcome: tickOutcome().notNull().default("pending"),
    runName: text(),
    /** Why there is no run, in words. */
    reason: text().notNull().default(""),
    /** Its run goes on, as far as is known, and somebody waits for the end. */
    isOpen: boolean().notNull().default(false),
    /** Its run was asked to make room for the next one. */
    isAborting: boolean().notNull().default(false),
    /** Not to be launched before. */
    tryAt: moment().notNull().defaultNow(),
    createdAt: createdAt(),
    settledAt: moment(),
  },
  (t) => [
    unique("schedule_ticks_identity").on(t.project, t.domain, t.name, t.fireAt, t.again),
    index("schedule_ticks_pending_idx")
      .on(t.shard, t.project, t.domain, t.name, t.fireAt)
      .where(sql`${t.outcome} = 'pending' and ${t.backfillId} is null`),
    index("schedule_ticks_open_idx").on(t.shard).where(sql`${t.isOpen}`),
    index("schedule_ticks_backfill_idx").on(t.backfillId, t.outcome, t.fireAt).where(sql`${t.backfillId} is not null`),
  ],
);

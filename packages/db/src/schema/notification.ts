import { sql } from "drizzle-orm";
import { bigint, check, index, integer, jsonb, pgEnum, pgTable, text, unique, uuid } from "drizzle-orm/pg-core";
import { bytea, createdAt, moment, updatedAt } from "./columns.ts";
import { runPhase } from "./run.ts";

export const TARGET_KINDS = ["email", "slack", "webhook"] as const;
export const targetKind = pgEnum("target_kind", TARGET_KINDS);
export const DELIVERY_OUTCOMES = ["waiting", "delivered", "failed"] as const;
export const deliveryOutcome = pgEnum("delivery_outcome", DELIVERY_OUTCOMES);

/** Runs that are over and whose end somebody may want to hear of. Written by the commit that ends the run; gone once its deliveries are rows. */
export const runEndings = pgTable("run_endings", { runId: uuid().primaryKey(), endedAt: createdAt() });

/** Who hears of the ends of a project's runs, whatever their specs say. Empty domain, launch plan or workflow: any. */
export const notificationRules = pgTable(
  "notification_rules",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    org: text().notNull().default(""),
    project: text().notNull(),
    domain: text().notNull().default(""),
    name: text().notNull(),
    launchPlan: text().notNull().default(""),
    workflow: text().notNull().default(""),
    phases: runPhase().array().notNull(),
    kind: targetKind().notNull(),
    /** Mail addresses; empty for the other kinds. */
    addresses: text().array().notNull(),
    /** Where a webhook goes to, for people; empty for mail. */
    host: text().notNull().default(""),
    /** The webhook's whole address and signing secret, encrypted; null for mail. */
    sealed: bytea(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique("notification_rules_name").on(t.org, t.project, t.domain, t.name),
    check("notification_rules_sealed_iff_no_mail", sql`(${t.kind} = 'email') = (${t.sealed} is null)`),
  ],
);

/** One message to one target. Kept after its end for people to look at, and deleted with the history. */
export const deliveries = pgTable(
  "deliveries",
  {
    /** The same at every try: receivers know by it what they have already. */
    id: uuid().primaryKey().defaultRandom(),
    org: text().notNull().default(""),
    project: text().notNull(),
    domain: text().notNull(),
    runId: uuid().notNull(),
    runName: text().notNull(),
    /** What asked for it: an entry of the run's spec, or a rule. */
    source: text().notNull(),
    ruleId: bigint({ mode: "number" }).references(() => notificationRules.id, { onDelete: "set null" }),
    kind: targetKind().notNull(),
    /** Mail addresses out of the run's spec; a rule's target is read anew at each try. */
    addresses: text().array().notNull(),
    /** What is told of the run. */
    message: jsonb().notNull(),
    outcome: deliveryOutcome().notNull().default("waiting"),
    tries: integer().notNull().default(0),
    lastError: text(),
    dueAt: moment().notNull().defaultNow(),
    createdAt: createdAt(),
    endedAt: moment(),
  },
  (t) => [
    unique("deliveries_source").on(t.runId, t.source),
    index("deliveries_due_idx").on(t.dueAt).where(sql`${t.outcome} = 'waiting'`),
    index("deliveries_newest_idx").on(t.project, t.domain, t.createdAt.desc()),
    index("deliveries_rule_idx").on(t.ruleId).where(sql`${t.ruleId} is not null`),
    check("deliveries_ended_iff_not_waiting", sql`(${t.outcome} = 'waiting') = (${t.endedAt} is null)`),
  ],
);

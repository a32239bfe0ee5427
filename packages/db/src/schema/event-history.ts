import { bigint, jsonb, pgTable, uuid } from "drizzle-orm/pg-core";
import { moment } from "./columns.ts";

/**
 * Applied events, for people who ask what happened. Partitioned by month, which drizzle-kit cannot say: the table is
 * made by a custom migration.
 */
export const eventHistory = pgTable("event_history", {
  id: bigint({ mode: "number" }).notNull(),
  runId: uuid().notNull(),
  /** An `EngineEvent`. */
  event: jsonb().notNull(),
  appliedAt: moment().notNull().defaultNow(),
});

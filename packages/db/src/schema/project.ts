import { pgEnum, pgTable, text } from "drizzle-orm/pg-core";
import { bytea, createdAt, updatedAt } from "./columns.ts";

export const PROJECT_STATES = ["active", "archived", "system_generated", "system_archived"] as const;
export const projectState = pgEnum("project_state", PROJECT_STATES);

/** A tenant's folder of workflows. Domains are the server's, repeated in each project (contract 6.11). */
export const projects = pgTable("projects", {
  org: text().notNull().default(""),
  id: text().primaryKey(),
  name: text().notNull(),
  description: text().notNull().default(""),
  /** Serialized `flyteidl.admin.Labels`. */
  labels: bytea().notNull(),
  state: projectState().notNull().default("active"),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

export const domains = pgTable("domains", {
  id: text().primaryKey(),
  name: text().notNull(),
});

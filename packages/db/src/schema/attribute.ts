import { sql } from "drizzle-orm";
import { check, pgEnum, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { bytea, updatedAt } from "./columns.ts";
import { projects } from "./project.ts";

/** What can be set for a project, in the words of Flyte's `MatchableResource`. */
export const ATTRIBUTE_TYPES = [
  "task_resource",
  "cluster_resource",
  "execution_queue",
  "execution_cluster_label",
  "quality_of_service_specification",
  "plugin_override",
  "workflow_execution_config",
  "cluster_assignment",
] as const;
export const attributeType = pgEnum("attribute_type", ATTRIBUTE_TYPES);

/** Policies of projects (Flyte: matchable attributes). The narrowest scope wins; an empty part means all of them. */
export const attributes = pgTable(
  "attributes",
  {
    org: text().notNull().default(""),
    project: text()
      .notNull()
      .references(() => projects.id),
    domain: text().notNull().default(""),
    workflow: text().notNull().default(""),
    launchPlan: text().notNull().default(""),
    type: attributeType().notNull(),
    /** Serialized `flyteidl.admin.MatchingAttributes`. */
    attributes: bytea().notNull(),
    updatedAt: updatedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.project, t.domain, t.workflow, t.launchPlan, t.type] }),
    check(
      "attributes_scopes_nested",
      sql`(${t.workflow} = '' or ${t.domain} <> '') and (${t.launchPlan} = '' or ${t.workflow} <> '')`,
    ),
  ],
);

import { integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { bytea, createdAt } from "./columns.ts";

/**
 * Values that tasks ask for by group and key. The narrowest scope wins: empty domain and project mean all of them. Each
 * value is encrypted by a data key of its own, which `keyId` encrypts.
 */
export const secrets = pgTable(
  "secrets",
  {
    org: text().notNull().default(""),
    project: text().notNull().default(""),
    domain: text().notNull().default(""),
    group: text().notNull(),
    key: text().notNull(),
    /** From 1; a new value is a new version. */
    version: integer().notNull(),
    /** Which master key encrypted `dataKey`. */
    keyId: text().notNull(),
    dataKey: bytea().notNull(),
    ciphertext: bytea().notNull(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.org, t.project, t.domain, t.group, t.key, t.version] })],
);

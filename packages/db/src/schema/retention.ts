import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, pgEnum, pgTable, primaryKey, text, unique, uuid } from "drizzle-orm/pg-core";
import { createdAt, moment, updatedAt } from "./columns.ts";

export const PURGE_KINDS = ["run", "objects"] as const;
export const purgeKind = pgEnum("purge_kind", PURGE_KINDS);

/**
 * The wish to delete a run with all that is its own, or only its objects. Inserted by the api, and by the scheduler for what
 * a project does not want to keep; carried out by the scheduler step by step. The row stays as a record of what was done.
 */
export const purges = pgTable(
  "purges",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    runId: uuid().notNull(),
    project: text().notNull(),
    domain: text().notNull(),
    /** The run's name. */
    name: text().notNull(),
    kind: purgeKind().notNull(),
    requestedBy: text().notNull(),
    /** A project's retention asked for it, and nobody else. */
    isRetention: boolean().notNull().default(false),
    /** How far it got with the folders of attempts: the next one. */
    nextOrdinal: integer().notNull().default(0),
    nextAttempt: integer().notNull().default(0),
    objectsDeleted: bigint({ mode: "number" }).notNull().default(0),
    bytesDeleted: bigint({ mode: "number" }).notNull().default(0),
    rowsDeleted: bigint({ mode: "number" }).notNull().default(0),
    /** Folders of the run that are no place of ours: what lies there is its owner's to delete. */
    foldersLeft: integer().notNull().default(0),
    /** Why it does not go on, in a sentence for people. */
    waitsFor: text(),
    /** When it was looked at last: those that wait take turns. */
    triedAt: moment(),
    createdAt: createdAt(),
    endedAt: moment(),
  },
  (t) => [
    unique("purges_once").on(t.runId, t.kind),
    index("purges_open_idx").on(t.triedAt.asc().nullsFirst(), t.id).where(sql`${t.endedAt} is null`),
    index("purges_newest_idx").on(t.project, t.id),
  ],
);

/** An object of a purged run that something else still points at. It goes, and then the run's name, when nothing does. */
export const keptObjects = pgTable(
  "kept_objects",
  {
    runId: uuid().notNull(),
    /** MD5 of the URI. */
    uriHash: uuid().notNull(),
    uri: text().notNull(),
    sizeBytes: bigint({ mode: "number" }).notNull(),
    /** The attempt that wrote it, where its place says so. */
    ordinal: integer(),
    attempt: integer(),
    checkedAt: moment().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.uriHash] }), index("kept_objects_checked_idx").on(t.checkedAt)],
);

/** How long a project keeps what is over; no row, or null, keeps it for ever. */
export const retention = pgTable(
  "retention",
  {
    project: text().notNull(),
    /** Empty: every domain without a row of its own. */
    domain: text().notNull().default(""),
    /** Days from a run's end until it is purged. */
    runDays: integer(),
    /** Days from a run's end until its objects are. */
    objectDays: integer(),
    changedBy: text().notNull(),
    updatedAt: updatedAt(),
  },
  (t) => [primaryKey({ columns: [t.project, t.domain] })],
);

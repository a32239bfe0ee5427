import { sql } from "drizzle-orm";
import { bigint, index, integer, jsonb, pgTable, primaryKey, text, unique, uuid } from "drizzle-orm/pg-core";
import { bytea, createdAt, moment, updatedAt } from "./columns.ts";

/** A family of cached outputs: one task name with one cache version and signature, or what a catalog client made. */
export const cacheDatasets = pgTable(
  "cache_datasets",
  {
    project: text().notNull(),
    domain: text().notNull(),
    name: text().notNull(),
    version: text().notNull(),
    /** `datacatalog.Metadata` as JSON. */
    metadata: jsonb().notNull().default({}),
    partitionKeys: text().array().notNull().default([]),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.project, t.domain, t.name, t.version] })],
);

/**
 * Outputs that need not be computed again (Flyte 1: an artifact of the data catalog). An entry outlives the run that made
 * it: small outputs are copied here, large ones stay where that run left them, and so do the files that outputs name.
 * Whoever deletes a run's objects leaves those that an entry holds. An object that is gone all the same makes a lookup miss.
 */
export const cacheEntries = pgTable(
  "cache_entries",
  {
    id: uuid().primaryKey(),
    org: text().notNull().default(""),
    project: text().notNull(),
    domain: text().notNull(),
    datasetName: text().notNull(),
    datasetVersion: text().notNull(),
    /** A serialized `flyteidl.core.LiteralMap`: here, or in the object store at `uri`. */
    data: bytea(),
    uri: text(),
    sizeBytes: bigint({ mode: "number" }).notNull(),
    /** `datacatalog.Metadata` as JSON. */
    metadata: jsonb().notNull().default({}),
    partitions: jsonb().notNull().default([]),
    /** The attempt that computed it; null when a catalog client stored it. */
    sourceRunId: uuid(),
    sourceOrdinal: integer(),
    sourceAttempt: integer(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("cache_entries_dataset_idx").on(t.project, t.domain, t.datasetName, t.datasetVersion, t.createdAt),
    index("cache_entries_source_idx").on(t.sourceRunId),
    index("cache_entries_uri_idx").on(t.uri).where(sql`${t.uri} is not null`),
  ],
);

/** The names under which an entry is found; an action's `cache_key` is one. */
export const cacheTags = pgTable(
  "cache_tags",
  {
    project: text().notNull(),
    domain: text().notNull(),
    datasetName: text().notNull(),
    datasetVersion: text().notNull(),
    tag: text().notNull(),
    entryId: uuid()
      .notNull()
      .references(() => cacheEntries.id, { onDelete: "cascade" }),
  },
  (t) => [
    primaryKey({ columns: [t.project, t.domain, t.datasetName, t.datasetVersion, t.tag] }),
    index("cache_tags_entry_idx").on(t.entryId),
  ],
);

/** Who computes an entry that others wait for. It counts until it expires or its owner's action is over. */
export const cacheReservations = pgTable(
  "cache_reservations",
  {
    project: text().notNull(),
    domain: text().notNull(),
    datasetName: text().notNull(),
    datasetVersion: text().notNull(),
    tag: text().notNull(),
    /** `run id/ordinal`, or what a catalog client calls itself. */
    ownerId: text().notNull(),
    /** The action that computes it, when it is one of ours. */
    runId: uuid(),
    ordinal: integer(),
    heartbeatSeconds: integer().notNull(),
    expiresAt: moment().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.project, t.domain, t.datasetName, t.datasetVersion, t.tag] }),
    unique("cache_reservations_action").on(t.runId, t.ordinal),
  ],
);

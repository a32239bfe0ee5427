import { and, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import type { VersionId } from "../registry/identity.ts";
import type { StoredValue } from "../runs/launch.ts";
import { cacheEntries, cacheTags } from "../schema/index.ts";
import type { CacheMetadata } from "./datasets.ts";

export interface CachePartition {
  readonly key: string;
  readonly value: string;
}

/** An entry as catalog clients see it, with all its tags. */
export interface CacheArtifact {
  readonly id: string;
  readonly dataset: VersionId;
  readonly data: Uint8Array | null;
  readonly uri: string | null;
  readonly sizeBytes: number;
  readonly metadata: CacheMetadata;
  readonly partitions: readonly CachePartition[];
  readonly tags: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a catalog client stores. */
export interface NewCacheArtifact {
  readonly id: string;
  readonly dataset: VersionId;
  readonly value: StoredValue;
  readonly metadata: CacheMetadata;
  readonly partitions: readonly CachePartition[];
}

export interface ListArtifacts {
  readonly dataset: VersionId;
  readonly id?: string;
  readonly tag?: string;
  readonly partitions: readonly CachePartition[];
  readonly oldestFirst: boolean;
  readonly limit: number;
  readonly offset: number;
}

const inDataset = (table: typeof cacheEntries | typeof cacheTags, { project, domain, name, version }: VersionId) =>
  and(
    eq(table.project, project),
    eq(table.domain, domain),
    eq(table.datasetName, name),
    eq(table.datasetVersion, version),
  );

const datasetColumns = ({ project, domain, name, version }: VersionId) => ({
  project,
  domain,
  datasetName: name,
  datasetVersion: version,
});

const valueColumns = ({ data, uri, sizeBytes }: StoredValue) => ({ data: data ?? null, uri: uri ?? null, sizeBytes });

/** False when there is an entry of that id already, which then stays as it is. */
export async function insertArtifact(db: Db, artifact: NewCacheArtifact): Promise<boolean> {
  const { id, dataset, value, metadata, partitions } = artifact;
  const row = { id, ...datasetColumns(dataset), ...valueColumns(value), metadata, partitions };
  const inserted = await db.insert(cacheEntries).values(row).onConflictDoNothing().returning({ id: cacheEntries.id });
  return inserted.length > 0;
}

/** Replaces what an entry holds, and forgets which attempt computed it: the outputs are a client's now. */
export async function updateArtifact(
  db: Db,
  id: string,
  { value, metadata }: Pick<NewCacheArtifact, "value" | "metadata">,
): Promise<boolean> {
  const updated = await db
    .update(cacheEntries)
    .set({
      ...valueColumns(value),
      metadata,
      sourceRunId: null,
      sourceOrdinal: null,
      sourceAttempt: null,
      updatedAt: sql`now()`,
    })
    .where(eq(cacheEntries.id, id))
    .returning({ id: cacheEntries.id });
  return updated.length > 0;
}

/** `taken` when the dataset has the tag already, `missing` when it has no such entry. */
export async function insertCacheTag(
  db: Db,
  dataset: VersionId,
  tag: string,
  entryId: string,
): Promise<"inserted" | "taken" | "missing"> {
  const entry = db
    .select({
      project: cacheEntries.project,
      domain: cacheEntries.domain,
      datasetName: cacheEntries.datasetName,
      datasetVersion: cacheEntries.datasetVersion,
      tag: sql<string>`${tag}::text`.as("tag"),
      entryId: cacheEntries.id,
    })
    .from(cacheEntries)
    .where(and(eq(cacheEntries.id, entryId), inDataset(cacheEntries, dataset)));
  const inserted = await db.insert(cacheTags).select(entry).onConflictDoNothing().returning({ tag: cacheTags.tag });
  if (inserted.length > 0) return "inserted";
  return (await entry).length === 0 ? "missing" : "taken";
}

/** Points a tag to an entry of its dataset, whatever it pointed to before. */
export async function moveCacheTag(db: Db, dataset: VersionId, tag: string, entryId: string): Promise<void> {
  await db
    .insert(cacheTags)
    .values({ ...datasetColumns(dataset), tag, entryId })
    .onConflictDoUpdate({
      target: [cacheTags.project, cacheTags.domain, cacheTags.datasetName, cacheTags.datasetVersion, cacheTags.tag],
      set: { entryId },
    });
}

export async function findArtifact(
  db: Db,
  dataset: VersionId,
  by: { readonly id: string } | { readonly tag: string },
): Promise<CacheArtifact | undefined> {
  const filter = { ...by, dataset, partitions: [], oldestFirst: true, limit: 1, offset: 0 };
  const [found] = await listArtifacts(db, filter);
  return found;
}

export async function listArtifacts(db: Db, query: ListArtifacts): Promise<CacheArtifact[]> {
  const { dataset, id, tag, partitions, oldestFirst } = query;
  const conditions: (SQL | undefined)[] = [inDataset(cacheEntries, dataset)];
  if (id !== undefined) conditions.push(eq(cacheEntries.id, id));
  if (tag !== undefined) {
    const tagged = db
      .select({ id: cacheTags.entryId })
      .from(cacheTags)
      .where(and(inDataset(cacheTags, dataset), eq(cacheTags.tag, tag)));
    conditions.push(sql`${cacheEntries.id} in ${tagged}`);
  }
  if (partitions.length > 0) conditions.push(sql`${cacheEntries.partitions} @> ${JSON.stringify(partitions)}::jsonb`);
  const direction = sql.raw(oldestFirst ? "asc" : "desc");
  const rows = await db
    .select({
      ...getTableColumns(cacheEntries),
      tags: sql<string[]>`array(select ${cacheTags.tag} from ${cacheTags}
        where ${cacheTags.entryId} = ${cacheEntries.id} order by ${cacheTags.tag})`,
    })
    .from(cacheEntries)
    .where(and(...conditions))
    .orderBy(sql`${cacheEntries.createdAt} ${direction}`, sql`${cacheEntries.id} ${direction}`)
    .limit(query.limit)
    .offset(query.offset);
  return rows.map(({ project, domain, datasetName, datasetVersion, metadata, partitions: stored, ...row }) => ({
    ...row,
    dataset: { project, domain, name: datasetName, version: datasetVersion },
    metadata: metadata as CacheMetadata,
    partitions: stored as CachePartition[],
  }));
}

import { and, eq } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import type { VersionId } from "../registry/identity.ts";
import { cacheDatasets } from "../schema/index.ts";

/** Free words about a dataset or an entry: `datacatalog.Metadata` as JSON. */
export interface CacheMetadata {
  readonly keyMap?: Readonly<Record<string, string>>;
  /** Whose outputs a client of CacheService said that these are; `resourceType` is the number of the IDL's enum. */
  readonly source?: VersionId & { readonly resourceType: number };
}

export interface CacheDataset extends VersionId {
  readonly metadata: CacheMetadata;
  readonly partitionKeys: readonly string[];
}

const DATASET_FIELDS = {
  project: cacheDatasets.project,
  domain: cacheDatasets.domain,
  name: cacheDatasets.name,
  version: cacheDatasets.version,
  createdAt: cacheDatasets.createdAt,
} satisfies ListFields<string>;
export type CacheDatasetField = keyof typeof DATASET_FIELDS;

const ofId = (id: VersionId) =>
  and(
    eq(cacheDatasets.project, id.project),
    eq(cacheDatasets.domain, id.domain),
    eq(cacheDatasets.name, id.name),
    eq(cacheDatasets.version, id.version),
  );

const toDataset = (row: typeof cacheDatasets.$inferSelect): CacheDataset => ({
  ...row,
  metadata: row.metadata as CacheMetadata,
});

/** False when there is one of that id already, which then stays as it is. */
export async function insertCacheDataset(db: Db, dataset: CacheDataset): Promise<boolean> {
  const row = { ...dataset, partitionKeys: [...dataset.partitionKeys] };
  const inserted = await db
    .insert(cacheDatasets)
    .values(row)
    .onConflictDoNothing()
    .returning({ name: cacheDatasets.name });
  return inserted.length > 0;
}

export async function findCacheDataset(db: Db, id: VersionId): Promise<CacheDataset | undefined> {
  const [row] = await db.select().from(cacheDatasets).where(ofId(id));
  return row && toDataset(row);
}

export async function listCacheDatasets(db: Db, query: ListQuery<CacheDatasetField>): Promise<CacheDataset[]> {
  const { project, domain, name, version } = cacheDatasets;
  const rows = await db
    .select()
    .from(cacheDatasets)
    .where(whereOf(DATASET_FIELDS, query.where))
    .orderBy(...orderOf(DATASET_FIELDS, query.sort, [project, domain, name, version]))
    .limit(query.limit)
    .offset(query.offset);
  return rows.map(toDataset);
}

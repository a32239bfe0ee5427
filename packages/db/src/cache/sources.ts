import type pg from "pg";
import type { CacheMetadata } from "./datasets.ts";

/** What an entry says about where it came from, in the catalog's words. */
export interface CacheSource {
  readonly entryId: string;
  readonly metadata: CacheMetadata;
  readonly datasetMetadata: CacheMetadata;
}

/** The sources of the entries; those that were evicted are missing. */
export async function findCacheSources(pool: pg.Pool, entryIds: readonly string[]): Promise<Map<string, CacheSource>> {
  const { rows } = await pool.query<CacheSource>({
    name: "find-cache-sources",
    text: `select e.id as "entryId", e.metadata, coalesce(d.metadata, '{}') as "datasetMetadata"
           from cache_entries e left join cache_datasets d on d.project = e.project and d.domain = e.domain
             and d.name = e.dataset_name and d.version = e.dataset_version
           where e.id = any($1::uuid[])`,
    values: [entryIds],
  });
  return new Map(rows.map((row) => [row.entryId, row]));
}

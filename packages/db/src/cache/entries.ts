import type { CacheAddress } from "@skein/engine";
import type pg from "pg";
import { ADDRESS, positionedAddresses, withPositions } from "./address-columns.ts";

/** Outputs that the cache holds: a serialized `LiteralMap`, or where it lies in the object store. */
export interface CachedOutputs {
  readonly entryId: string;
  readonly data: Uint8Array | null;
  readonly uri: string | null;
  readonly sizeBytes: number;
  /** Whether one of our actions computed them. What a catalog client stored need not fit the task. */
  readonly isOurs: boolean;
}

/** What the cache holds under each address, in their order, in one statement; undefined where it holds nothing. */
export async function findCachedOutputs(
  pool: pg.Pool,
  addresses: readonly CacheAddress[],
): Promise<(CachedOutputs | undefined)[]> {
  const { rows } = await pool.query<CachedOutputs & { position: number }>({
    name: "find-cached-outputs",
    text: `select u.position, e.id as "entryId", e.data, e.uri, e.size_bytes::float8 as "sizeBytes",
             e.source_run_id is not null as "isOurs"
           from ${positionedAddresses.unnest("u", 1)}
           join cache_tags t using (${ADDRESS})
           join cache_entries e on e.id = t.entry_id`,
    values: positionedAddresses.values(withPositions(addresses)),
  });
  const found: (CachedOutputs | undefined)[] = addresses.map(() => undefined);
  for (const { position, ...outputs } of rows) found[position] = outputs;
  return found;
}

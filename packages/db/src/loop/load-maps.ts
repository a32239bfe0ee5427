import type { StoredArray } from "@skein/engine";
import type pg from "pg";

interface ActionId {
  readonly runId: string;
  readonly ordinal: number;
}

/** How far maps are. */
export async function countItems(
  pool: pg.Pool,
  maps: readonly ActionId[],
): Promise<(StoredArray & { readonly runId: string })[]> {
  const { rows } = await pool.query<StoredArray & { runId: string }>({
    name: "count-items",
    text: `select m.run_id as "runId", m.ordinal, count(i.ordinal)::int as opened,
             (count(*) filter (where i.phase = 'succeeded'))::int as succeeded,
             (count(*) filter (where i.phase = 'failed'))::int as failed
           from unnest($1::uuid[], $2::int[]) m(run_id, ordinal)
           left join actions i on i.run_id = m.run_id and i.parent_ordinal = m.ordinal
           group by m.run_id, m.ordinal`,
    values: [maps.map(({ runId }) => runId), maps.map(({ ordinal }) => ordinal)],
  });
  return rows;
}

/** The highest ordinal of each run that has actions. */
export async function readLastOrdinals(pool: pg.Pool, runIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ runId: string; last: number }>({
    name: "read-last-ordinals",
    text: `select r.id as "runId", a.ordinal as last from unnest($1::uuid[]) r(id)
           cross join lateral (select ordinal from actions where run_id = r.id order by ordinal desc limit 1) a`,
    values: [runIds],
  });
  return new Map(rows.map(({ runId, last }) => [runId, last]));
}

/** The outputs of one of a map's items; neither bytes nor a place when it has none. */
export interface ItemOutputs {
  readonly itemIndex: number;
  readonly data: Uint8Array | null;
  readonly uri: string | null;
}

/** Outputs of a map's items that succeeded, by index from `first` on, less than `end`. */
export async function readItemOutputs(pool: pg.Pool, of: ActionId, first: number, end: number): Promise<ItemOutputs[]> {
  const { rows } = await pool.query<ItemOutputs>({
    name: "read-item-outputs",
    // By their ordinals, which are the map's and their index, so that only this page of the key is read.
    text: `select a.item_index as "itemIndex", v.data, v.uri
           from actions a left join action_values v on v.run_id = a.run_id and v.ordinal = a.ordinal and v.side = 'outputs'
           where a.run_id = $1 and a.ordinal > $2::int + $3::int and a.ordinal <= $2 + $4::int and a.parent_ordinal = $2 and a.phase = 'succeeded'
           order by a.ordinal`,
    values: [of.runId, of.ordinal, first, end],
  });
  return rows;
}

/** How large the outputs of a map's items are. */
export async function measureItemOutputs(
  pool: pg.Pool,
  of: ActionId,
): Promise<{ readonly totalBytes: number; readonly largestBytes: number }> {
  const { rows } = await pool.query<{ total: string; largest: string }>({
    name: "measure-item-outputs",
    text: `select coalesce(sum(v.size_bytes), 0) as total, coalesce(max(v.size_bytes), 0) as largest
           from actions a join action_values v on v.run_id = a.run_id and v.ordinal = a.ordinal and v.side = 'outputs'
           where a.run_id = $1 and a.parent_ordinal = $2 and a.item_index is not null and a.phase = 'succeeded'`,
    values: [of.runId, of.ordinal],
  });
  return { totalBytes: Number(rows[0]?.total ?? 0), largestBytes: Number(rows[0]?.largest ?? 0) };
}

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

/** The outputs of one of a map's items. */
export interface ItemOutputs {
  readonly itemIndex: number;
  readonly data: Uint8Array | null;
  readonly uri: string | null;
}

/**
 * Outputs of a map's items that succeeded, by index from `first` on, less than `end`. Two reads of a range of a primary
 * key: the planner knows little of a table that grows as fast, and joined by the page takes minutes when it is wrong.
 */
export async function readItemOutputs(
  pool: pg.Pool,
  { runId, ordinal }: ActionId,
  first: number,
  end: number,
): Promise<ItemOutputs[]> {
  const range = [runId, ordinal + 1 + first, ordinal + end];
  const [succeeded, values] = await Promise.all([
    pool.query<{ ordinal: number }>({
      name: "read-succeeded-items",
      text: "select ordinal from actions where run_id = $1 and ordinal between $2 and $3 and phase = 'succeeded'",
      values: range,
    }),
    pool.query<{ ordinal: number; data: Buffer | null; uri: string | null }>({
      name: "read-item-outputs",
      text: `select ordinal, data, uri from action_values
             where run_id = $1 and ordinal between $2 and $3 and side = 'outputs' order by ordinal`,
      values: range,
    }),
  ]);
  const counted = new Set(succeeded.rows.map((row) => row.ordinal));
  return values.rows
    .filter((row) => counted.has(row.ordinal))
    .map((row) => ({ itemIndex: row.ordinal - ordinal - 1, data: row.data, uri: row.uri }));
}

/** How large the outputs of a map's items are. */
export async function measureItemOutputs(
  pool: pg.Pool,
  { runId, ordinal }: ActionId,
  count: number,
): Promise<{ readonly totalBytes: number; readonly largestBytes: number }> {
  const { rows } = await pool.query<{ total: string; largest: string }>({
    name: "measure-item-outputs",
    text: `select coalesce(sum(size_bytes), 0) as total, coalesce(max(size_bytes), 0) as largest
           from action_values where run_id = $1 and ordinal between $2 and $3 and side = 'outputs'`,
    values: [runId, ordinal + 1, ordinal + count],
  });
  return { totalBytes: Number(rows[0]?.total ?? 0), largestBytes: Number(rows[0]?.largest ?? 0) };
}

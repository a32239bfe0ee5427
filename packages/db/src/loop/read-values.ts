import type { ValueRef } from "@skein/engine";
import type pg from "pg";

/** Names a value among all runs. */
export interface RunValueRef extends ValueRef {
  readonly runId: string;
}

/** Where a value is: exactly one of `data` and `uri` is set. */
export interface LoadedValue {
  readonly data: Uint8Array | null;
  readonly uri: string | null;
  readonly sizeBytes: number;
}

/** Reads many values in one round trip, in the order asked for; undefined where there is none. */
export async function readValues(pool: pg.Pool, refs: readonly RunValueRef[]): Promise<(LoadedValue | undefined)[]> {
  const { rows } = await pool.query<{ at: string; data: Buffer | null; uri: string | null; size: string }>({
    name: "read-values",
    text: `select u.at, v.data, v.uri, v.size_bytes as size
           from unnest($1::uuid[], $2::int[], $3::value_side[]) with ordinality u(run_id, ordinal, side, at)
           join action_values v on v.run_id = u.run_id and v.ordinal = u.ordinal and v.side = u.side`,
    values: [refs.map((ref) => ref.runId), refs.map((ref) => ref.ordinal), refs.map((ref) => ref.side)],
  });
  const values: (LoadedValue | undefined)[] = refs.map(() => undefined);
  for (const row of rows) values[Number(row.at) - 1] = { data: row.data, uri: row.uri, sizeBytes: Number(row.size) };
  return values;
}

import type { ValueRef } from "@skein/engine";
import type pg from "pg";

/** A value by its row. */
export interface RunValueRef extends Pick<ValueRef, "ordinal" | "side"> {
  readonly runId: string;
}

/** A value's bytes, or where they lie in the object store: exactly one of the two is there. */
export interface LoadedValue extends RunValueRef {
  readonly data: Uint8Array | null;
  readonly uri: string | null;
}

/** Loads values by reference, in one statement. A value that does not exist is missing from the answer. */
export async function readValues(pool: pg.Pool, refs: readonly RunValueRef[]): Promise<LoadedValue[]> {
  const { rows } = await pool.query<LoadedValue>({
    name: "read-values",
    text: `select v.run_id as "runId", v.ordinal, v.side, v.data, v.uri
           from unnest($1::uuid[], $2::int[], $3::value_side[]) u(run_id, ordinal, side)
           join action_values v on v.run_id = u.run_id and v.ordinal = u.ordinal and v.side = u.side`,
    values: [refs.map(({ runId }) => runId), refs.map(({ ordinal }) => ordinal), refs.map(({ side }) => side)],
  });
  return rows;
}

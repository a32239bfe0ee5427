import type { ErrandKind } from "@skein/engine";
import type pg from "pg";
import type { ErrandRow } from "./run-advance.ts";

/**
 * The oldest errands of the shards that were asked for at least `ageMs` ago and are not among `known`, which are those
 * that the caller has in hand.
 */
export async function readWaitingErrands(
  pool: pg.Pool,
  shards: readonly number[],
  ageMs: number,
  known: readonly number[],
  limit: number,
): Promise<ErrandRow[]> {
  const { rows } = await pool.query<{ id: string; runId: string; ordinal: number; attempt: number; kind: ErrandKind }>({
    name: "read-waiting-errands",
    text: `select id, run_id as "runId", ordinal, attempt, kind from errands
           where shard = any($1::smallint[]) and created_at < now() - $2 * interval '1 millisecond' and id <> all($3::bigint[])
           order by id limit $4`,
    values: [shards, ageMs, known, limit],
  });
  return rows.map(({ id, kind, ...of }) => ({ errandId: Number(id), kind, id: of }));
}

/** Deletes errands whose outcome nobody waits for, or somebody else will tell. */
export async function deleteErrands(pool: pg.Pool, ids: readonly number[]): Promise<void> {
  await pool.query({ name: "delete-errands", text: "delete from errands where id = any($1::bigint[])", values: [ids] });
}

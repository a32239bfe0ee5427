import type { EngineEvent } from "@skein/engine";
import type pg from "pg";

/** A fact made by the api that no advance has applied yet. */
export interface WaitingEvent {
  readonly id: number;
  readonly runId: string;
  readonly event: EngineEvent;
}

/**
 * The oldest waiting events of the shards. Rows are found by being there, never by "id above the last seen": ids are
 * handed out before commit and become visible out of order. `known` are ids that are already being applied.
 */
export async function readWaitingEvents(
  pool: pg.Pool,
  shards: readonly number[],
  known: readonly number[],
  limit: number,
): Promise<WaitingEvent[]> {
  const { rows } = await pool.query<{ id: string; runId: string; event: EngineEvent }>({
    name: "read-waiting-events",
    text: `select id, run_id as "runId", event from events
           where shard = any($1::smallint[]) and id <> all($2::bigint[]) order by id limit $3`,
    values: [shards, known, limit],
  });
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

/** Deletes events that no run will apply: theirs is over or gone. */
export async function deleteEvents(pool: pg.Pool, ids: readonly number[]): Promise<void> {
  await pool.query({ name: "delete-events", text: "delete from events where id = any($1::bigint[])", values: [ids] });
}

import type { TimerKind } from "@skein/engine";
import type pg from "pg";

export interface DueTimer {
  readonly runId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly kind: TimerKind;
  /** For `queue`: what is known of why the attempt waited. */
  readonly note: string | null;
}

/**
 * Timers of the shards whose moment has come. The commit that applies `timerFired` deletes the row. Attempts are looked at
 * only for those few that waited too long.
 */
export async function readDueTimers(pool: pg.Pool, shards: readonly number[], limit: number): Promise<DueTimer[]> {
  const { rows } = await pool.query<DueTimer>({
    name: "read-due-timers",
    text: `select run_id as "runId", ordinal, attempt, kind,
             case when kind = 'queue' then (
               select concat_ws(' ', 'Its pool is ' || a.pool || '.', a.waiting_reason) from attempts a
               where a.run_id = t.run_id and a.ordinal = t.ordinal and a.attempt = t.attempt
             ) end as note
           from timers t
           where shard = any($1::smallint[]) and due_at <= now() order by due_at limit $2`,
    values: [shards, limit],
  });
  return rows;
}

/** Deletes timers whose run is over: an advance never cleared them. */
export async function deleteOrphanTimers(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from timers t using runs r where r.id = t.run_id and r.phase in ('succeeded', 'failed', 'aborted')`,
  );
  return rowCount ?? 0;
}

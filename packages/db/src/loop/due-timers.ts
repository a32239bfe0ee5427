import type { TimerKind } from "@skein/engine";
import type pg from "pg";

export interface DueTimer {
  readonly runId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly kind: TimerKind;
}

/** Timers of the shards whose moment has come. The commit that applies `timerFired` deletes the row. */
export async function readDueTimers(pool: pg.Pool, shards: readonly number[], limit: number): Promise<DueTimer[]> {
  const { rows } = await pool.query<DueTimer>({
    name: "read-due-timers",
    text: `select run_id as "runId", ordinal, attempt, kind from timers
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

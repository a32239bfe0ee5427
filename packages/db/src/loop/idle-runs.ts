import type pg from "pg";

/**
 * Unfinished runs of the shards that wait for nothing: no event, no live attempt, no timer, for at least `ageMs`. A
 * crash between two statements cannot leave one, so each is repaired by an empty advance, and counted.
 */
export async function readIdleRuns(
  pool: pg.Pool,
  shards: readonly number[],
  ageMs: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: "read-idle-runs",
    text: `select r.id from runs r
           where r.phase not in ('succeeded', 'failed', 'aborted') and r.shard = any($1::smallint[])
             and r.updated_at < now() - $2 * interval '1 millisecond'
             and not exists (select from events e where e.run_id = r.id)
             and not exists (select from timers t where t.run_id = r.id)
             and not exists (select from attempts a where a.run_id = r.id and a.phase in ('queued', 'running', 'aborting'))
           limit $3`,
    values: [shards, ageMs, limit],
  });
  return rows.map(({ id }) => id);
}

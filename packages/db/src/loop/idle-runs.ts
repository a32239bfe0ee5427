import type pg from "pg";

/**
 * Unfinished runs of the shards that wait for nothing: no turn, no event, no live attempt, no timer, no errand, no child run and
 * nobody's answer, for at least `ageMs`. A crash between two statements cannot leave one, so each is repaired by an empty
 * advance, and counted.
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
             and not exists (select from waiting_runs w where w.run_id = r.id)
             and not exists (select from events e where e.run_id = r.id)
             and not exists (select from timers t where t.run_id = r.id)
             and not exists (select from attempts a where a.run_id = r.id and a.phase in ('queued', 'running', 'aborting'))
             and not exists (select from errands o where o.run_id = r.id)
             and not exists (select from runs c where c.parent_run_id = r.id and c.phase not in ('succeeded', 'failed', 'aborted'))
             and not exists (select from signals s join actions g on g.run_id = s.run_id and g.ordinal = s.ordinal
                             where s.run_id = r.id and s.value is null and g.ended_at is null)
           limit $3`,
    values: [shards, ageMs, limit],
  });
  return rows.map(({ id }) => id);
}

import type pg from "pg";

/**
 * Gives an unfinished run another priority, with the runs below it, and with what waits of theirs for a place in a pool or
 * for a turn. What is in the queue keeps its place. False when the run is over or unknown.
 */
export async function setRunPriority(db: pg.Pool, runId: string, priority: number): Promise<boolean> {
  const { rows } = await db.query<{ count: number }>({
    name: "set-run-priority",
    text: `with recursive below as (
             select id from runs where id = $1 and phase not in ('succeeded', 'failed', 'aborted')
             union all
             select r.id from below b join runs r on r.parent_run_id = b.id
             where r.phase not in ('succeeded', 'failed', 'aborted')
           ), changed as (
             update runs r set priority = $2, changed_seq = r.changed_seq + 1, updated_at = now()
             from below b where r.id = b.id returning r.id
           ), orders as (
             update commands c set priority = $2 from changed b where c.run_id = b.id and c.published_at is null
           ), turns as (
             update waiting_runs w set priority = $2 from changed b where w.run_id = b.id
           )
           select count(*)::int as count from changed`,
    values: [runId, priority],
  });
  return (rows[0]?.count ?? 0) > 0;
}

import type pg from "pg";

/** Every table with rows of a run, those first that nothing else is found by; `runs` itself comes last. */
export const RUN_TABLES = [
  "log_chunks",
  "artifact_links",
  "signals",
  "expansions",
  "claims",
  "timers",
  "errands",
  "commands",
  "cache_reservations",
  "deliveries",
  "run_endings",
  "waiting_runs",
  "events",
  "event_history",
  "attempts",
  "action_values",
  "actions",
  "run_inputs",
  "run_tags",
] as const;

/** What the cache holds was made by actions that are gone then: their links say which other objects it needs. */
const LINKS_OF_CACHED = `and not exists (
    select from cache_entries e where e.source_run_id = t.run_id and e.source_ordinal = t.ordinal
  )`;

/** Rows found by an index and deleted where they lie. In the parts of a partitioned table places repeat, so there it is by id. */
const deletionFrom = (table: (typeof RUN_TABLES)[number]): string => {
  const key = table === "event_history" ? "id" : "ctid";
  return `delete from ${table} d where ${key === "id" ? "d.run_id = $1 and " : ""}d.${key} = any(array(
    select t.${key} from ${table} t where t.run_id = $1 ${table === "artifact_links" ? LINKS_OF_CACHED : ""} limit $2))`;
};

/** Deletes up to `limit` rows of a run, of everything but `runs`; answers how many there were. 0 says that none are left. */
export async function deleteRunRows(pool: pg.Pool, runId: string, limit: number): Promise<number> {
  let deleted = 0;
  for (const table of RUN_TABLES) {
    const { rowCount } = await pool.query(deletionFrom(table), [runId, limit - deleted]);
    deleted += rowCount ?? 0;
    if (deleted >= limit) return deleted;
  }
  return deleted;
}

/**
 * Ends the purge of a run. Its row goes too, unless something is left of it: then the row stays without what it knew, so
 * that no other run takes the name and writes where the objects lie.
 */
export async function endRunPurge(pool: pg.Pool, purgeId: number, runId: string): Promise<void> {
  await pool.query(
    `with ended as (update purges set ended_at = now(), tried_at = now(), waits_for = null where id = $1
     ), left_over as (
       select exists (select from kept_objects where run_id = $2) or exists (select from artifact_links where run_id = $2) as any
     ), gone as (delete from runs where id = $2 and state = 'purged' and not (select "any" from left_over)
     )
     update runs set spec = '', found_inputs = null, error_message = null, abort_cause = null
     where id = $2 and state = 'purged' and (select "any" from left_over)`,
    [purgeId, runId],
  );
}

/** Ends a purge of objects: nothing says any more that there is a log or a deck. */
export async function endObjectsPurge(pool: pg.Pool, purgeId: number, runId: string): Promise<void> {
  await pool.query(
    `with ended as (update purges set ended_at = now(), tried_at = now(), waits_for = null where id = $1
     ), logs as (update attempts set log_uri = null, log_bytes = null where run_id = $2 and log_uri is not null
     )
     update actions set deck_uri = null where run_id = $2 and deck_uri is not null`,
    [purgeId, runId],
  );
}

/**
 * Lets go of what stayed of purged runs for the sake of objects that are gone by now, and of records older than
 * `recordDays`. Answers how many names became free.
 */
export async function releasePurgedNames(pool: pg.Pool, recordDays: number, limit: number): Promise<number> {
  const left = await pool.query<{ runId: string }>(
    `select r.id as "runId" from purges p join runs r on r.id = p.run_id and r.state = 'purged'
     where p.kind = 'run' and p.ended_at is not null and not exists (select from kept_objects k where k.run_id = r.id)
       and not exists (
         select from artifact_links l join cache_entries e on e.source_run_id = l.run_id and e.source_ordinal = l.ordinal
         where l.run_id = r.id)
     order by p.id limit $1`,
    [limit],
  );
  const ids = left.rows.map(({ runId }) => runId);
  await pool.query(`delete from artifact_links t where t.run_id = any($1::uuid[]) ${LINKS_OF_CACHED}`, [ids]);
  const { rowCount } = await pool.query(
    `delete from runs r where r.id = any($1::uuid[]) and r.state = 'purged'
       and not exists (select from artifact_links l where l.run_id = r.id)
       and not exists (select from kept_objects k where k.run_id = r.id)`,
    [ids],
  );
  await pool.query(
    `delete from purges p where p.ended_at < now() - $1 * interval '1 day'
       and not exists (select from runs r where r.id = p.run_id)`,
    [recordDays],
  );
  return rowCount ?? 0;
}

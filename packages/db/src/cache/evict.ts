import { CACHE_SIGNATURE_LENGTH, cacheDatasetName } from "@skein/engine";
import type pg from "pg";
import type { NameId } from "../registry/identity.ts";

/** What one statement deletes: a cache of millions must not lock Postgres up. */
const BATCH = 1_000;

/**
 * Deletes the chosen entries. Actions that they came from or went to are over; they say from now on that their outputs
 * were evicted. Entries are locked in one order, so that two evictions wait for each other instead of failing; a run that
 * is being advanced tells its watchers of that instead.
 */
const evictionOf = (chosen: string): string => `
with chosen as (
  select id from cache_entries where id in (${chosen}) order by id limit ${BATCH} for update
), evicted as (
  delete from cache_entries e using chosen where e.id = chosen.id
), told as (
  update actions a set cache_status = 'evicted', changed_seq = runs.changed_seq + 1, updated_at = now()
  from chosen, runs where a.cache_entry_id = chosen.id and runs.id = a.run_id
  returning a.run_id
), changed as (
  update runs set changed_seq = changed_seq + 1, updated_at = now() where id in (
    select id from runs where id in (select run_id from told) for update skip locked
  )
)
select count(*)::int as count from chosen`;

/** Deletes batch after batch; answers how many entries there were. */
async function evict(pool: pg.Pool, name: string, chosen: string, values: readonly unknown[]): Promise<number> {
  for (let total = 0; ; ) {
    const { rows } = await pool.query<{ count: number }>({ name, text: evictionOf(chosen), values: [...values] });
    const count = rows[0]?.count ?? 0;
    total += count;
    if (count < BATCH) return total;
  }
}

/** Forgets what a task's versions computed, all of it or that of one cache version. */
export const evictTask = (pool: pg.Pool, task: NameId, cacheVersion: string | undefined): Promise<number> =>
  evict(
    pool,
    "evict-task",
    `select id from cache_entries where project = $1 and domain = $2 and dataset_name = $3
       and ($4::text is null or left(dataset_version, -${CACHE_SIGNATURE_LENGTH}) = $4)`,
    [task.project, task.domain, cacheDatasetName(task.name), cacheVersion ?? null],
  );

/** Entries that a run and the runs below it made or took. */
const ENTRIES_OF_RUN = `
  with recursive below(id) as (
    select $1::uuid union select runs.id from runs join below on runs.parent_run_id = below.id
  )
  select a.cache_entry_id from below join actions a on a.run_id = below.id where a.cache_entry_id is not null`;

/** Forgets what a run and the runs below it computed or took from the cache. */
export const evictRun = (pool: pg.Pool, runId: string): Promise<number> =>
  evict(pool, "evict-run", ENTRIES_OF_RUN, [runId]);

/** Whose entries `evictRun` would delete: a run may use tasks and launch plans of other projects. */
export async function findTenantsOfCachedRun(
  pool: pg.Pool,
  runId: string,
): Promise<{ readonly project: string; readonly domain: string }[]> {
  const { rows } = await pool.query<{ project: string; domain: string }>(
    `select distinct project, domain from cache_entries where id in (${ENTRIES_OF_RUN})`,
    [runId],
  );
  return rows;
}

/** Forgets one entry. */
export const evictEntry = (pool: pg.Pool, entryId: string): Promise<number> =>
  evict(pool, "evict-entry", "select $1::uuid", [entryId]);

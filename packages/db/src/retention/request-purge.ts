import type pg from "pg";
import type { NameId } from "../registry/identity.ts";
import { inTransaction } from "./transaction.ts";

interface PurgeRequest {
  readonly runId: string;
  /** With the runs that it started, and those that eager tasks of it did, at any depth. */
  readonly withChildren: boolean;
  readonly requestedBy: string;
  readonly isRetention: boolean;
}

/** What came of it. `unfinished`: that run goes on. `needed`: that run, which goes on, takes its values from this one. */
export type PurgeOutcome =
  | { readonly type: "requested"; readonly runs: readonly NameId[] }
  | { readonly type: "unfinished" | "needed"; readonly by: NameId }
  | { readonly type: "tooMany" }
  | { readonly type: "gone" };

/** One transaction has to lock them all. */
export const PURGED_AT_ONCE_MAX = 10_000;

const DOOMED = `
  with recursive doomed (id, project, domain, name) as (
    select id, project, domain, name from runs where id = $1
    union
    select c.id, c.project, c.domain, c.name from doomed d cross join lateral (
      select r.id, r.project, r.domain, r.name from runs r
      where r.parent_run_id = d.id and r.project = d.project and r.domain = d.domain
      union all
      select r.id, r.project, r.domain, r.name from run_tags t join runs r on r.id = t.run_id
      where t.tag = 'eager-exec' and t.value = d.name and r.project = d.project and r.domain = d.domain
    ) c where $2
  )
  select id from doomed limit ${PURGED_AT_ONCE_MAX + 1}`;

const TERMINAL = "('succeeded', 'failed', 'aborted')";

/**
 * Whoever needs one of the runs still: itself unfinished, the parent that started it, or a run that recovers it. A run
 * that only starts the same anew has read what it needs.
 */
const NEEDED = `
  select 'unfinished' as type, r.project, r.domain, r.name from runs r
  where r.id = any($1::uuid[]) and r.phase not in ${TERMINAL}
  union all
  select 'unfinished', p.project, p.domain, p.name from runs r join runs p on p.id = r.parent_run_id
  where r.id = any($1::uuid[]) and p.phase not in ${TERMINAL}
  union all
  select 'needed', r.project, r.domain, r.name from runs r
  where r.reference_run_id = any($1::uuid[]) and r.mode <> 'relaunch' and r.phase not in ${TERMINAL}
  limit 1`;

/**
 * Asks for a run, which must be over, to be deleted with its data. From now on nobody finds it; its rows and objects go
 * step by step.
 */
export async function requestPurge(pool: pg.Pool, request: PurgeRequest): Promise<PurgeOutcome> {
  const { runId, withChildren, requestedBy, isRetention } = request;
  return inTransaction(pool, async (client): Promise<PurgeOutcome> => {
    const doomed = await client.query<{ id: string }>(DOOMED, [runId, withChildren]);
    if (doomed.rows.length > PURGED_AT_ONCE_MAX) return { type: "tooMany" };
    const ids = doomed.rows.map(({ id }) => id);
    const locked = await client.query<{ id: string }>(
      "select id from runs where id = any($1::uuid[]) and state <> 'purged' order by id for update",
      [ids],
    );
    if (!locked.rows.some(({ id }) => id === runId)) return { type: "gone" };
    const left = locked.rows.map(({ id }) => id);
    const [needed] = (await client.query<NameId & { type: "unfinished" | "needed" }>(NEEDED, [left])).rows;
    if (needed) {
      const { type, project, domain, name } = needed;
      return { type, by: { project, domain, name } };
    }
    const { rows } = await client.query<NameId>(
      `with gone as (
         update runs set state = 'purged', state_changed_by = $2, state_changed_at = now(), updated_at = now(),
                         changed_seq = changed_seq + 1
         where id = any($1::uuid[]) returning id, project, domain, name
       ), asked as (
         insert into purges (run_id, project, domain, name, kind, requested_by, is_retention)
         select id, project, domain, name, 'run', $2, $3 from gone
         on conflict (run_id, kind) do nothing
       )
       select project, domain, name from gone order by name`,
      [left, requestedBy, isRetention],
    );
    return { type: "requested", runs: rows };
  });
}

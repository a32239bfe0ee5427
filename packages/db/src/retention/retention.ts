import type pg from "pg";
import type { PurgeKind } from "./purges.ts";

/** How long a project keeps what is over. Null: for ever. */
export interface RetentionRule {
  readonly project: string;
  /** Empty: every domain without a rule of its own. */
  readonly domain: string;
  /** Days from a run's end until it is deleted. */
  readonly runDays: number | null;
  /** Days from a run's end until its objects are. */
  readonly objectDays: number | null;
}

/** A rule, and who made it. */
export interface RetentionRow extends RetentionRule {
  readonly changedBy: string;
  readonly updatedAt: Date;
}

const RULE = `project, domain, run_days as "runDays", object_days as "objectDays", changed_by as "changedBy", updated_at as "updatedAt"`;

/** The rules of a project: its own first, then those of its domains. */
export async function readRetention(pool: pg.Pool, project: string): Promise<RetentionRow[]> {
  const { rows } = await pool.query<RetentionRow>(`select ${RULE} from retention where project = $1 order by domain`, [
    project,
  ]);
  return rows;
}

/** Sets a rule; one that keeps everything for ever stays too, because a domain's stands against its project's. */
export async function setRetention(pool: pg.Pool, rule: RetentionRule, changedBy: string): Promise<void> {
  await pool.query(
    `insert into retention (project, domain, run_days, object_days, changed_by) values ($1, $2, $3, $4, $5)
     on conflict (project, domain) do update
       set run_days = $3, object_days = $4, changed_by = $5, updated_at = now()`,
    [rule.project, rule.domain, rule.runDays, rule.objectDays, changedBy],
  );
}

/** Takes a rule away: what the project says holds for the domain again. */
export async function deleteRetention(pool: pg.Pool, project: string, domain: string): Promise<void> {
  await pool.query("delete from retention where project = $1 and domain = $2", [project, domain]);
}

/** Every project's domains for which something is to be deleted some day. */
export async function readRetentionScopes(pool: pg.Pool): Promise<RetentionRule[]> {
  const { rows } = await pool.query<RetentionRule>(
    `select r.project, d.id as domain, r.run_days as "runDays", r.object_days as "objectDays"
     from retention r join domains d on r.domain = d.id or r.domain = '' and not exists (
       select from retention own where own.project = r.project and own.domain = d.id)
     where r.run_days is not null or r.object_days is not null
     order by r.project, d.id`,
  );
  return rows;
}

/** A run with this label stays until somebody deletes it by name. */
export const KEEP_LABEL = "skein.dev/keep";

/**
 * The oldest runs that a rule gives up: over for so many days, not held by the label, not a child of a run that goes on,
 * and not what another one takes its values from. Archived or not does not matter.
 */
export async function readRunsToPurge(
  pool: pg.Pool,
  { project, domain }: RetentionRule,
  kind: PurgeKind,
  days: number,
  limit: number,
): Promise<{ readonly id: string; readonly name: string }[]> {
  const { rows } = await pool.query<{ id: string; name: string }>(
    `select r.id, r.name from runs r
     where r.project = $1 and r.domain = $2 and r.phase in ('succeeded', 'failed', 'aborted') and r.state <> 'purged'
       -- The index knows when it was created, which was before it ended.
       and r.created_at < now() - $3 * interval '1 day' and r.ended_at < now() - $3 * interval '1 day'
       and not exists (select from purges p where p.run_id = r.id and p.kind = $4)
       and not exists (select from run_tags t where t.run_id = r.id and t.tag = '${KEEP_LABEL}')
       and not exists (select from runs p where p.id = r.parent_run_id and p.phase not in ('succeeded', 'failed', 'aborted'))
       and not exists (select from runs n where n.reference_run_id = r.id and n.mode <> 'relaunch'
                       and n.phase not in ('succeeded', 'failed', 'aborted'))
     order by r.created_at, r.id limit $5`,
    [project, domain, days, kind, limit],
  );
  return rows;
}

/** Asks for the objects of runs to be deleted, and for nothing of their rows. */
export async function requestObjectPurges(
  pool: pg.Pool,
  runIds: readonly string[],
  requestedBy: string,
): Promise<number> {
  const { rowCount } = await pool.query(
    `insert into purges (run_id, project, domain, name, kind, requested_by, is_retention)
     select id, project, domain, name, 'objects', $2, true from runs where id = any($1::uuid[]) and state <> 'purged'
     on conflict (run_id, kind) do nothing`,
    [runIds, requestedBy],
  );
  return rowCount ?? 0;
}

/** How many purges wait or go on. */
export async function countOpenPurges(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    "select count(*)::int as count from purges where ended_at is null",
  );
  return rows[0]?.count ?? 0;
}

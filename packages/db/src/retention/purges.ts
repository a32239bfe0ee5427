import type { AttemptId } from "@skein/contracts";
import type pg from "pg";
import type { PURGE_KINDS } from "../schema/index.ts";

export type PurgeKind = (typeof PURGE_KINDS)[number];

/** A purge for people: what was asked, and what came of it. */
export interface PurgeRow {
  readonly id: number;
  readonly project: string;
  readonly domain: string;
  /** The run's name. */
  readonly name: string;
  readonly kind: PurgeKind;
  readonly requestedBy: string;
  readonly isRetention: boolean;
  readonly objectsDeleted: number;
  readonly bytesDeleted: number;
  /** Objects that something else points at. They go when nothing does. */
  readonly objectsKept: number;
  readonly rowsDeleted: number;
  readonly foldersLeft: number;
  readonly waitsFor: string | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

const PURGE = `p.id::float8 as id, p.project, p.domain, p.name, p.kind, p.requested_by as "requestedBy",
  p.is_retention as "isRetention", p.objects_deleted::float8 as "objectsDeleted", p.bytes_deleted::float8 as "bytesDeleted",
  p.rows_deleted::float8 as "rowsDeleted", p.folders_left as "foldersLeft", p.waits_for as "waitsFor",
  p.created_at as "createdAt", p.ended_at as "endedAt"`;

export interface PurgeList {
  readonly project: string;
  readonly domain: string | undefined;
  readonly isOpen: boolean | undefined;
  /** Those before this id. */
  readonly before: number | undefined;
  readonly limit: number;
}

/** The purges of a project, the last ones first. */
export async function listPurges(pool: pg.Pool, list: PurgeList): Promise<PurgeRow[]> {
  const { project, domain, isOpen, before, limit } = list;
  const { rows } = await pool.query<PurgeRow>(
    `select ${PURGE}, (select count(*)::float8 from kept_objects k where k.run_id = p.run_id) as "objectsKept"
     from purges p
     where p.project = $1 and ($2::text is null or p.domain = $2) and ($3::boolean is null or (p.ended_at is null) = $3)
       and ($4::bigint is null or p.id < $4)
     order by p.id desc limit $5`,
    [project, domain ?? null, isOpen ?? null, before ?? null, limit],
  );
  return rows;
}

/** A purge to carry out, and what its run's objects are found by. */
export interface OpenPurge {
  readonly id: number;
  readonly runId: string;
  readonly kind: PurgeKind;
  readonly project: string;
  readonly domain: string;
  readonly name: string;
  readonly nextOrdinal: number;
  readonly nextAttempt: number;
  /** `flyteidl.admin.ExecutionSpec`; null once the run's row is gone. */
  readonly spec: Uint8Array | null;
  /** Why it cannot go on now. */
  readonly waitsFor: string | null;
}

/**
 * The purges whose turn it is. A run must have been over for `settleMs`: until then its agents may send what is left of
 * its logs. It waits as well for whoever began to recover it while its deletion was asked for.
 */
export async function readOpenPurges(pool: pg.Pool, settleMs: number, limit: number): Promise<OpenPurge[]> {
  const { rows } = await pool.query<OpenPurge>(
    `select p.id::float8 as id, p.run_id as "runId", p.kind, p.project, p.domain, p.name, r.spec,
            p.next_ordinal as "nextOrdinal", p.next_attempt as "nextAttempt",
            (select 'Run ' || n.name || ' takes its values from it and is not over.' from runs n
             where n.reference_run_id = p.run_id and n.mode <> 'relaunch'
               and n.phase not in ('succeeded', 'failed', 'aborted') limit 1) as "waitsFor"
     from purges p left join runs r on r.id = p.run_id
     where p.ended_at is null and p.created_at <= now() - $1 * interval '1 millisecond'
       and (r.id is null or r.ended_at <= now() - $1 * interval '1 millisecond')
     order by p.tried_at nulls first, p.id limit $2`,
    [settleMs, limit],
  );
  return rows;
}

/** Notes that a purge had its turn, and why it waits if it does. */
export async function recordTry(pool: pg.Pool, purgeId: number, waitsFor: string | null): Promise<void> {
  await pool.query("update purges set tried_at = clock_timestamp(), waits_for = $2 where id = $1", [purgeId, waitsFor]);
}

export interface PurgeProgress {
  readonly objectsDeleted?: number;
  readonly bytesDeleted?: number;
  readonly rowsDeleted?: number;
  readonly foldersLeft?: number;
  /** The next attempt whose folder is to be looked at. */
  readonly next?: Pick<AttemptId, "ordinal" | "attempt">;
}

/** Adds to what a purge has done; what a crash leaves unsaid is not counted. */
export async function recordProgress(pool: pg.Pool, purgeId: number, progress: PurgeProgress): Promise<void> {
  const { objectsDeleted = 0, bytesDeleted = 0, rowsDeleted = 0, foldersLeft = 0, next } = progress;
  await pool.query(
    `update purges set objects_deleted = objects_deleted + $2, bytes_deleted = bytes_deleted + $3,
            rows_deleted = rows_deleted + $4, folders_left = folders_left + $5,
            next_ordinal = coalesce($6, next_ordinal), next_attempt = coalesce($7, next_attempt)
     where id = $1`,
    [purgeId, objectsDeleted, bytesDeleted, rowsDeleted, foldersLeft, next?.ordinal ?? null, next?.attempt ?? null],
  );
}

/** An attempt that may have written files of its own. */
export interface PurgedAttempt {
  readonly ordinal: number;
  readonly attempt: number;
  readonly actionName: string;
  /** The name of its folder is also that of another run's attempt. */
  readonly isShared: boolean;
}

/**
 * The next attempts of a run that ran code. A folder of raw outputs is named `<run>-<action>-<attempt>`, and both names may
 * hold dashes: another run, whose name begins or ends elsewhere, may own the same.
 */
export async function readPurgedAttempts(
  pool: pg.Pool,
  { runId, nextOrdinal, nextAttempt, project, domain }: OpenPurge,
  limit: number,
): Promise<PurgedAttempt[]> {
  const { rows } = await pool.query<PurgedAttempt>(
    `select t.ordinal, t.attempt, a.name as "actionName", exists (
       select from generate_series(1, length(r.name || '-' || a.name) - 1) at
       join runs o on o.project = $4 and o.domain = $5 and o.name = left(r.name || '-' || a.name, at) and o.id <> r.id
       join actions b on b.run_id = o.id and b.name = substr(r.name || '-' || a.name, at + 2)
       where substr(r.name || '-' || a.name, at + 1, 1) = '-'
     ) as "isShared"
     from attempts t join actions a on a.run_id = t.run_id and a.ordinal = t.ordinal join runs r on r.id = t.run_id
     where t.run_id = $1 and t.kind <> 'echo' and (t.ordinal, t.attempt) >= ($2::int, $3::int)
     order by t.ordinal, t.attempt limit $6`,
    [runId, nextOrdinal, nextAttempt, project, domain, limit],
  );
  return rows;
}

/** The attempts of a run that computed what the cache holds. */
export async function readCachedAttempts(
  pool: pg.Pool,
  runId: string,
): Promise<Pick<PurgedAttempt, "ordinal" | "attempt" | "actionName">[]> {
  const { rows } = await pool.query<Pick<PurgedAttempt, "ordinal" | "attempt" | "actionName">>(
    `select e.source_ordinal as ordinal, e.source_attempt as attempt, a.name as "actionName"
     from cache_entries e join actions a on a.run_id = e.source_run_id and a.ordinal = e.source_ordinal
     where e.source_run_id = $1 and e.source_attempt is not null`,
    [runId],
  );
  return rows;
}

import type { OrderKind } from "@skein/contracts";
import type pg from "pg";
import { TOO_LARGE } from "./pool-room.ts";

/** What a project has in a pool, and what it may have. */
export interface ProjectLoad {
  readonly project: string;
  /** Attempts in the queue or with an agent. */
  readonly underWay: number;
  /** Those of them that nobody claimed, without those that no agent is large enough for: they must not keep others out. */
  readonly unclaimed: number;
  /** A project with 2 gets twice as many places as one with 1. */
  readonly weight: number;
  /** How many attempts may be under way; null for any number. */
  readonly runningMax: number | null;
}

/**
 * The projects that have containers under way in a pool or a share of their own there. Its cost grows with what is under
 * way, not with what waits.
 */
export async function readPoolLoad(db: pg.Pool, pool: string): Promise<ProjectLoad[]> {
  const { rows } = await db.query<ProjectLoad>({
    name: "read-pool-load",
    text: `select coalesce(u.project, s.project) as project, coalesce(u.under_way, 0) as "underWay",
             coalesce(u.unclaimed, 0) as unclaimed, coalesce(s.weight, 1) as weight, s.running_max as "runningMax"
           from (
             select c.project, count(*)::int as under_way,
               count(*) filter (where k.run_id is null
                 and (a.waiting_reason is null or a.waiting_reason not like '${TOO_LARGE}%'))::int as unclaimed
             from commands c
             left join claims k on k.run_id = c.run_id and k.ordinal = c.ordinal and k.attempt = c.attempt
             left join attempts a on a.run_id = c.run_id and a.ordinal = c.ordinal and a.attempt = c.attempt
             where c.pool = $1 and c.published_at is not null group by c.project) u
           full join (select * from pool_shares where pool = $1) s on s.project = u.project
           order by 1`,
    values: [pool],
  });
  return rows;
}

/** How many attempts of one kind are in the queue, claimed by nobody: all that are queued less those whose command still waits. */
export async function countPublished(db: pg.Pool, pool: string, kind: OrderKind): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: "count-published",
    text: `select (select count(*) from attempts where phase = 'queued' and pool = $1 and kind = $2)::int
                - (select count(*) from commands where pool = $1 and kind = $2 and published_at is null)::int as count`,
    values: [pool, kind],
  });
  return Math.max(0, rows[0]?.count ?? 0);
}

/** Slots of the pool's live agents. */
export async function countSlots(db: pg.Pool, pool: string): Promise<number> {
  const { rows } = await db.query<{ slots: number }>({
    name: "count-slots",
    text: `select coalesce(sum(slots), 0)::int as slots from agents
           where pool = $1 and lease_expires_at > now() and not draining`,
    values: [pool],
  });
  return rows[0]?.slots ?? 0;
}

/** How a project shares a pool, as somebody decided. */
export interface PoolShare {
  readonly pool: string;
  readonly project: string;
  readonly weight: number;
  readonly runningMax: number | null;
}

/** What was decided about the pools, or about one of them. */
export async function readPoolShares(db: pg.Pool, pool: string | null): Promise<PoolShare[]> {
  const { rows } = await db.query<PoolShare>({
    name: "read-pool-shares",
    text: `select pool, project, weight, running_max as "runningMax" from pool_shares
           where $1::text is null or pool = $1 order by pool, project`,
    values: [pool],
  });
  return rows;
}

/** Decides how a project shares a pool; in place of what was decided before. */
export async function setPoolShare(db: pg.Pool, share: PoolShare, updatedBy: string): Promise<void> {
  await db.query(
    `insert into pool_shares (pool, project, weight, running_max, updated_by) values ($1, $2, $3, $4, $5)
     on conflict (pool, project) do update
     set weight = excluded.weight, running_max = excluded.running_max, updated_by = excluded.updated_by, updated_at = now()`,
    [share.pool, share.project, share.weight, share.runningMax, updatedBy],
  );
}

/** Lets a project share a pool as one does of which nobody decided anything. False when it did already. */
export async function deletePoolShare(db: pg.Pool, pool: string, project: string): Promise<boolean> {
  const { rowCount } = await db.query("delete from pool_shares where pool = $1 and project = $2", [pool, project]);
  return rowCount === 1;
}

/** How many commands of containers wait in the shards, by pool. It counts them one by one. */
export async function countWaitingCommands(db: pg.Pool, shards: readonly number[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ pool: string; waiting: number }>({
    name: "count-waiting-commands",
    text: `select pool, count(*)::int as waiting from commands
           where published_at is null and kind <> 'echo' and shard = any($1::smallint[]) group by pool`,
    values: [shards],
  });
  return new Map(rows.map(({ pool, waiting }) => [pool, waiting]));
}

import type pg from "pg";
import type { NameId } from "../registry/identity.ts";
import type { BACKFILL_ORDERS } from "../schema/index.ts";
import type { PendingTick } from "./pending-ticks.ts";

/** A backfill that may have something to launch. */
export interface RunningBackfill extends NameId {
  readonly id: string;
  readonly kickoffInput: string;
  readonly order: (typeof BACKFILL_ORDERS)[number];
  readonly maxParallel: number;
  readonly overwriteCache: boolean;
  readonly createdBy: string;
  /** How many of its runs go on. */
  readonly openCount: number;
}

/** The backfills of these shards that go on, the oldest first. */
export async function readRunningBackfills(pool: pg.Pool, shards: readonly number[]): Promise<RunningBackfill[]> {
  const { rows } = await pool.query<RunningBackfill>({
    name: "read-running-backfills",
    text: `select b.id, b.project, b.domain, b.name, b.kickoff_input as "kickoffInput", b."order",
             b.max_parallel as "maxParallel", b.overwrite_cache as "overwriteCache", b.created_by as "createdBy",
             (select count(*)::int from schedule_ticks t
              where t.backfill_id = b.id and t.outcome = 'launched' and t.is_open) as "openCount"
           from backfills b where b.phase = 'running' and b.shard = any($1::smallint[])
           order by b.created_at`,
    values: [shards],
  });
  return rows;
}

/** The next ticks of a backfill that want a run. */
export async function readBackfillTicks(
  pool: pg.Pool,
  { id, order }: RunningBackfill,
  until: Date,
  limit: number,
): Promise<PendingTick[]> {
  const { rows } = await pool.query<PendingTick>({
    name: `read-backfill-ticks-${order}`,
    text: `select id, project, domain, name, fire_at as "fireAt", again, launch_plan_id as "launchPlanId"
           from schedule_ticks where backfill_id = $1 and outcome = 'pending' and try_at <= $2::timestamptz
           order by fire_at ${order === "newest" ? "desc" : "asc"} limit $3`,
    values: [id, until, limit],
  });
  return rows;
}

/** A backfill that has launched everything and whose runs are over is done. */
export async function endBackfill(pool: pg.Pool, id: string): Promise<void> {
  await pool.query({
    name: "end-backfill",
    text: `update backfills set phase = 'done', ended_at = now(), updated_at = now()
           where id = $1 and phase = 'running' and not exists (
             select from schedule_ticks where backfill_id = $1 and (outcome = 'pending' or is_open))`,
    values: [id],
  });
}

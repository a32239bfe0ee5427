import type { SchedulePolicy } from "@skein/schedule";
import type pg from "pg";
import type { NameId, VersionId } from "../registry/identity.ts";
import type { LaunchPlanRows } from "../runs/children.ts";
import type { TickOutcome } from "./due-schedules.ts";

/** A tick that wants a run. */
export interface PendingTick extends NameId {
  readonly id: string;
  readonly fireAt: Date;
  readonly again: string;
  readonly launchPlanId: string;
}

/** A tick of a schedule that wants a run, with what is to happen while an earlier run goes on. */
export interface ScheduledTick extends PendingTick {
  readonly planPolicy: SchedulePolicy;
  readonly ownPolicy: SchedulePolicy;
}

const PENDING = `t.id, t.project, t.domain, t.name, t.fire_at as "fireAt", t.again, t.launch_plan_id as "launchPlanId"`;
const NAMES_MAX = 2_000;

/** The ticks of schedules whose turn has come: of each schedule the oldest `perSchedule`. */
export async function readPendingTicks(
  pool: pg.Pool,
  shards: readonly number[],
  until: Date,
  perSchedule: number,
): Promise<ScheduledTick[]> {
  const { rows } = await pool.query<ScheduledTick>({
    name: "read-pending-ticks",
    text: `with names as (
             select distinct shard, project, domain, name from schedule_ticks
             where outcome = 'pending' and backfill_id is null and shard = any($1::smallint[]) limit ${NAMES_MAX}
           )
           select ${PENDING}, s.plan_policy as "planPolicy", s.own_policy as "ownPolicy"
           from names join schedules s using (project, domain, name)
           cross join lateral (
             select * from schedule_ticks t
             where t.outcome = 'pending' and t.backfill_id is null and t.shard = names.shard and t.project = names.project
               and t.domain = names.domain and t.name = names.name and t.try_at <= $2::timestamptz
             order by t.fire_at limit $3
           ) t
           where s.launch_plan_id is not null and not s.is_paused`,
    values: [shards, until, perSchedule],
  });
  return rows;
}

/** What came of a tick. */
export interface SettledTick {
  readonly id: string;
  readonly outcome: Exclude<TickOutcome, "pending">;
  readonly runName: string | null;
  readonly reason: string;
  /** Somebody wants to know when its run is over. */
  readonly isOpen: boolean;
}

/** Writes what came of a tick. A run that was started counts, whatever has been written meanwhile. */
export async function settleTick(pool: pg.Pool, tick: SettledTick): Promise<void> {
  await pool.query({
    name: "settle-tick",
    text: `update schedule_ticks
           set outcome = $2::tick_outcome, run_name = $3, reason = $4, is_open = $5, settled_at = now()
           where id = $1::bigint and (outcome = 'pending' or $2 = 'launched')`,
    values: [tick.id, tick.outcome, tick.runName, tick.reason, tick.isOpen],
  });
}

/** Leaves a tick alone until a moment. */
export async function delayTick(pool: pg.Pool, id: string, until: Date, reason: string): Promise<void> {
  await pool.query({
    name: "delay-tick",
    text: `update schedule_ticks set try_at = $2::timestamptz, reason = $3 where id = $1::bigint and outcome = 'pending'`,
    values: [id, until, reason],
  });
}

/** Of the ticks of a schedule that wait, those beyond the oldest or the newest few get no run. */
export async function skipPendingTicks(
  pool: pg.Pool,
  { project, domain, name }: NameId,
  keep: { readonly first: "oldest" | "newest"; readonly count: number },
  reason: string,
): Promise<number> {
  const { rowCount } = await pool.query(
    `update schedule_ticks set outcome = 'skipped', reason = $5, settled_at = now()
     where outcome = 'pending' and id in (
       select id from schedule_ticks
       where outcome = 'pending' and backfill_id is null and project = $1 and domain = $2 and name = $3
       order by fire_at ${keep.first === "newest" ? "desc" : "asc"} offset $4)`,
    [project, domain, name, keep.count, reason],
  );
  return rowCount ?? 0;
}

/** The run of a tick that is not over. */
export interface OpenTick {
  readonly tickId: string;
  readonly runId: string;
  readonly runName: string;
  readonly isAborting: boolean;
}

/** Notes which runs of ticks are over, or deleted. */
export async function closeEndedTicks(pool: pg.Pool, shards: readonly number[]): Promise<void> {
  await pool.query({
    name: "close-ended-ticks",
    text: `update schedule_ticks t set is_open = false
           where t.is_open and t.shard = any($1::smallint[]) and not exists (
             select from runs r where r.project = t.project and r.domain = t.domain and r.name = t.run_name
               and r.phase not in ('succeeded', 'failed', 'aborted'))`,
    values: [shards],
  });
}

/** The runs of a schedule that go on, those of backfills left out. */
export async function readOpenTicks(pool: pg.Pool, { project, domain, name }: NameId): Promise<OpenTick[]> {
  const { rows } = await pool.query<OpenTick>({
    name: "read-open-ticks",
    text: `select t.id as "tickId", r.id as "runId", r.name as "runName", t.is_aborting as "isAborting"
           from schedule_ticks t join runs r on r.project = t.project and r.domain = t.domain and r.name = t.run_name
           where t.is_open and t.backfill_id is null and t.project = $1 and t.domain = $2 and t.name = $3
             and r.phase not in ('succeeded', 'failed', 'aborted')
           order by t.fire_at`,
    values: [project, domain, name],
  });
  return rows;
}

export async function markAborting(pool: pg.Pool, tickId: string): Promise<void> {
  await pool.query("update schedule_ticks set is_aborting = true where id = $1::bigint", [tickId]);
}

/** Why the run of a tick was not inserted; `launched` if it is there, `raced` if no reason is left. */
export type TickRefusal = "launched" | "nameTaken" | "projectInactive" | "raced";

/** Finds out why `insertRun` inserted no run under this name. */
export async function readTickRefusal(pool: pg.Pool, id: NameId): Promise<TickRefusal> {
  const { rows } = await pool.query<{ refusal: TickRefusal }>({
    name: "read-tick-refusal",
    text: `select case
             when exists (select from runs where project = $1 and domain = $2 and name = $3 and mode = 'scheduled') then 'launched'
             when exists (select from runs where project = $1 and domain = $2 and name = $3) then 'nameTaken'
             when not exists (select from projects where id = $1 and state = 'active') then 'projectInactive'
             else 'raced' end as refusal`,
    values: [id.project, id.domain, id.name],
  });
  return rows[0]?.refusal ?? "raced";
}

/** What a launch of a version starts, by the version's key. */
export async function readLaunchPlanById(
  pool: pg.Pool,
  launchPlanId: string,
): Promise<(LaunchPlanRows & VersionId) | undefined> {
  const { rows } = await pool.query<LaunchPlanRows & VersionId>({
    name: "read-launch-plan-by-id",
    text: `select id, workflow_id as "workflowId", spec, closure, project, domain, name, version
           from launch_plans where id = $1::bigint`,
    values: [launchPlanId],
  });
  return rows[0];
}

/** Deletes ticks that were settled long ago, and backfills that have none left. */
export async function deleteOldTicks(pool: pg.Pool, days: number): Promise<number> {
  const { rowCount } = await pool.query(
    "delete from schedule_ticks where not is_open and outcome <> 'pending' and settled_at < now() - make_interval(days => $1::int)",
    [days],
  );
  await pool.query(
    `delete from backfills b where b.ended_at < now() - make_interval(days => $1::int)
       and not exists (select from schedule_ticks t where t.backfill_id = b.id)`,
    [days],
  );
  return rowCount ?? 0;
}

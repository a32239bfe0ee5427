import type { ScheduleDefinition, SchedulePolicy } from "@skein/schedule";
import { and, eq } from "drizzle-orm";
import type pg from "pg";
import type { Db } from "../connect.ts";
import type { NameId, VersionId } from "../registry/identity.ts";
import { lockName } from "../registry/named-entities.ts";
import { launchPlans, type TICK_OUTCOMES } from "../schema/index.ts";
import { activateSchedule, type VersionSchedule } from "./schedules.ts";

export type TickOutcome = (typeof TICK_OUTCOMES)[number];

/** A schedule that is to be looked at. */
export interface DueSchedule extends NameId {
  readonly launchPlanId: string;
  readonly definition: ScheduleDefinition;
  readonly planPolicy: SchedulePolicy;
  readonly ownPolicy: SchedulePolicy;
  readonly anchorAt: Date;
  readonly consideredAt: Date;
  readonly wakeAt: Date;
}

/** The schedules of these shards that are to be looked at up to a moment, the next one first. */
export async function readDueSchedules(
  pool: pg.Pool,
  shards: readonly number[],
  until: Date,
  limit: number,
): Promise<DueSchedule[]> {
  const { rows } = await pool.query<DueSchedule>({
    name: "read-due-schedules",
    text: `select project, domain, name, launch_plan_id as "launchPlanId", definition, plan_policy as "planPolicy",
             own_policy as "ownPolicy", anchor_at as "anchorAt", considered_at as "consideredAt", wake_at as "wakeAt"
           from schedules
           where shard = any($1::smallint[]) and wake_at <= $2::timestamptz and launch_plan_id is not null and not is_paused
           order by wake_at limit $3`,
    values: [shards, until, limit],
  });
  return rows;
}

/** A tick whose moment has come. */
export interface NewTick {
  readonly fireAt: Date;
  readonly outcome: Extract<TickOutcome, "pending" | "missed">;
  readonly reason: string;
}

/**
 * Writes the ticks of a schedule up to a moment, and when to look next: both or, where somebody else was first or the
 * schedule has changed meanwhile, neither. A tick that has a row keeps it.
 */
export async function advanceSchedule(
  pool: pg.Pool,
  { project, domain, name, launchPlanId, consideredAt }: DueSchedule,
  to: { readonly consideredAt: Date; readonly wakeAt: Date | null; readonly ticks: readonly NewTick[] },
): Promise<boolean> {
  const { rows } = await pool.query({
    name: "advance-schedule",
    text: `with moved as (
             update schedules set considered_at = $6::timestamptz, wake_at = $7::timestamptz
             where project = $1 and domain = $2 and name = $3 and launch_plan_id = $4::bigint
               and considered_at = $5::timestamptz and not is_paused
             returning shard, launch_plan_id
           ), added as (
             insert into schedule_ticks (project, domain, name, fire_at, shard, launch_plan_id, outcome, reason, try_at, settled_at)
             select $1, $2, $3, t.fire_at, moved.shard, moved.launch_plan_id, t.outcome::tick_outcome, t.reason, t.fire_at,
                    case when t.outcome <> 'pending' then now() end
             from moved, unnest($8::timestamptz[], $9::text[], $10::text[]) t(fire_at, outcome, reason)
             on conflict do nothing
           )
           select 1 from moved`,
    values: [
      project,
      domain,
      name,
      launchPlanId,
      consideredAt,
      to.consideredAt,
      to.wakeAt,
      to.ticks.map(({ fireAt }) => fireAt.toISOString()),
      to.ticks.map(({ outcome }) => outcome),
      to.ticks.map(({ reason }) => reason),
    ],
  });
  return rows.length > 0;
}

/** An active version with a schedule that nobody fires. */
export interface UnwatchedLaunchPlan extends VersionId {
  readonly id: string;
  /** `flyteidl.admin.LaunchPlanSpec`. */
  readonly spec: Uint8Array;
}

/** Active versions with a schedule and no row for it: activated before this server knew how to fire them. */
export async function readUnwatchedLaunchPlans(pool: pg.Pool, limit: number): Promise<UnwatchedLaunchPlan[]> {
  const { rows } = await pool.query<UnwatchedLaunchPlan>(
    `select p.id, p.project, p.domain, p.name, p.version, p.spec from launch_plans p
     where p.state = 'active' and p.schedule_type <> 'none'
       and not exists (select from schedules s where s.project = p.project and s.domain = p.domain and s.name = p.name)
     order by p.id limit $1`,
    [limit],
  );
  return rows;
}

/** Begins to fire a version that is active already, from now on, unless it has been deactivated meanwhile. */
export async function watchLaunchPlan(
  db: Db,
  plan: UnwatchedLaunchPlan,
  schedule: VersionSchedule,
  { changedBy, at }: { readonly changedBy: string; readonly at: Date },
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockName(tx, "launch_plan", plan);
    const id = Number(plan.id);
    const [active] = await tx
      .select({ id: launchPlans.id })
      .from(launchPlans)
      .where(and(eq(launchPlans.id, id), eq(launchPlans.state, "active")));
    if (active) await activateSchedule(tx, plan, id, { schedule, changedBy, at });
  });
}

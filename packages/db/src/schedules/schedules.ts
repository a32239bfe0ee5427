import type { ScheduleDefinition, SchedulePolicy } from "@skein/schedule";
import { and, asc, eq, getTableColumns, isNotNull, isNull, sql } from "drizzle-orm";
import type { Db, Tx } from "../connect.ts";
import type { NameId } from "../registry/identity.ts";
import { launchPlans, schedules, scheduleTicks } from "../schema/index.ts";

/** The schedule of a launch plan's name, with the version that it fires. */
export type ScheduleRow = typeof schedules.$inferSelect & { readonly version: string | null };

/** What a version says of its schedule. */
export interface VersionSchedule {
  readonly definition: ScheduleDefinition;
  readonly policy: SchedulePolicy;
}

/** Who changes the state of a launch plan, and when. */
export interface ScheduleChange {
  /** Undefined for a version without a schedule. */
  readonly schedule: VersionSchedule | undefined;
  readonly changedBy: string;
  readonly at: Date;
}

export const isScheduleOf = ({ project, domain, name }: NameId) =>
  and(eq(schedules.project, project), eq(schedules.domain, domain), eq(schedules.name, name));

/** Of names, like that of runs of their ids: which owner of a shard cares for them. */
export const shardOfName = ({ project, domain, name }: NameId) => {
  const key = `${project}:${domain}:${name}`;
  return sql<number>`((hashtext(${key})::bigint & 2147483647) % greatest((select count(*) from shards), 1))::smallint`;
};

/**
 * Begins to fire a version that was activated, now and never for moments that are over. Where it takes the place of a
 * version with the same schedule the ticks go on: neither a rate nor what is still due begins anew.
 */
export async function activateSchedule(
  tx: Tx,
  id: NameId,
  launchPlanId: number,
  { schedule, changedBy, at }: ScheduleChange & { readonly schedule: VersionSchedule },
): Promise<void> {
  const { definition, policy } = schedule;
  const zone = (column: typeof schedules.planPolicy) =>
    sql`coalesce(${schedules.ownPolicy}->>'timeZone', ${column}->>'timeZone')`;
  const goesOn = sql`(${schedules.launchPlanId} is not null and ${schedules.definition} = excluded.definition
    and ${zone(schedules.planPolicy)} is not distinct from coalesce(${schedules.ownPolicy}->>'timeZone', excluded.plan_policy->>'timeZone'))`;
  const isSame = sql`${schedules.launchPlanId} is not distinct from excluded.launch_plan_id`;
  await tx
    .insert(schedules)
    .values({
      project: id.project,
      domain: id.domain,
      name: id.name,
      shard: shardOfName(id),
      launchPlanId,
      definition,
      planPolicy: policy,
      anchorAt: at,
      consideredAt: at,
      wakeAt: at,
      activatedAt: at,
      activatedBy: changedBy,
      updatedBy: changedBy,
    })
    .onConflictDoUpdate({
      target: [schedules.project, schedules.domain, schedules.name],
      set: {
        launchPlanId: sql`excluded.launch_plan_id`,
        definition: sql`excluded.definition`,
        planPolicy: sql`excluded.plan_policy`,
        anchorAt: sql`case when ${goesOn} then ${schedules.anchorAt} else excluded.anchor_at end`,
        consideredAt: sql`case when ${goesOn} then ${schedules.consideredAt} else excluded.considered_at end`,
        wakeAt: sql`case when ${schedules.isPaused} then null else excluded.wake_at end`,
        activatedAt: sql`case when ${isSame} then ${schedules.activatedAt} else excluded.activated_at end`,
        activatedBy: sql`case when ${isSame} then ${schedules.activatedBy} else excluded.activated_by end`,
        updatedBy: sql`excluded.updated_by`,
        updatedAt: sql`now()`,
      },
    });
}

/** Fires nothing more; ticks that still waited for their turn are given up. With `launchPlanId` only if it is that version's. */
export async function deactivateSchedule(tx: Tx, id: NameId, changedBy: string, launchPlanId?: number): Promise<void> {
  const isIts =
    launchPlanId === undefined ? isNotNull(schedules.launchPlanId) : eq(schedules.launchPlanId, launchPlanId);
  const stopped = await tx
    .update(schedules)
    .set({ launchPlanId: null, wakeAt: null, updatedBy: changedBy, updatedAt: sql`now()` })
    .where(and(isScheduleOf(id), isIts))
    .returning({ name: schedules.name });
  if (stopped.length === 0) return;
  await tx
    .update(scheduleTicks)
    .set({
      outcome: "cancelled",
      reason: "The launch plan was deactivated before its turn came.",
      settledAt: sql`now()`,
    })
    .where(
      and(
        eq(scheduleTicks.project, id.project),
        eq(scheduleTicks.domain, id.domain),
        eq(scheduleTicks.name, id.name),
        eq(scheduleTicks.outcome, "pending"),
        isNull(scheduleTicks.backfillId),
      ),
    );
}

const COLUMNS = { ...getTableColumns(schedules), version: launchPlans.version };

export async function findSchedule(db: Db, id: NameId): Promise<ScheduleRow | undefined> {
  const [row] = await db
    .select(COLUMNS)
    .from(schedules)
    .leftJoin(launchPlans, eq(launchPlans.id, schedules.launchPlanId))
    .where(isScheduleOf(id));
  return row;
}

/** The schedules of a domain by name; `isActive` leaves out those that fire nothing, or the others. */
export async function listSchedules(
  db: Db,
  where: { readonly project: string; readonly domain: string; readonly isActive?: boolean | undefined },
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<ScheduleRow[]> {
  const isWanted = and(isNotNull(schedules.launchPlanId), eq(schedules.isPaused, false));
  return db
    .select(COLUMNS)
    .from(schedules)
    .leftJoin(launchPlans, eq(launchPlans.id, schedules.launchPlanId))
    .where(
      and(
        eq(schedules.project, where.project),
        eq(schedules.domain, where.domain),
        where.isActive === undefined ? undefined : where.isActive ? isWanted : sql`not (${isWanted})`,
      ),
    )
    .orderBy(asc(schedules.name))
    .limit(limit)
    .offset(offset);
}

/**
 * Replaces what people set for a name; false when it has no schedule. In another zone it has other ticks: those begin now.
 */
export async function setSchedulePolicy(
  db: Db,
  id: NameId,
  policy: SchedulePolicy,
  { changedBy, at }: { readonly changedBy: string; readonly at: Date },
): Promise<boolean> {
  const own = sql`${JSON.stringify(policy)}::jsonb`;
  const zoneOf = (policyOf: unknown) =>
    sql`coalesce(${policyOf}->>'timeZone', ${schedules.planPolicy}->>'timeZone', 'UTC')`;
  const isSameZone = sql`${zoneOf(schedules.ownPolicy)} = ${zoneOf(own)}`;
  const changed = await db
    .update(schedules)
    .set({
      ownPolicy: own,
      consideredAt: sql`case when ${isSameZone} then ${schedules.consideredAt} else ${at.toISOString()}::timestamptz end`,
      wakeAt: sql`case when ${schedules.isPaused} or ${schedules.launchPlanId} is null then null else ${at.toISOString()}::timestamptz end`,
      updatedBy: changedBy,
      updatedAt: sql`now()`,
    })
    .where(isScheduleOf(id))
    .returning({ name: schedules.name });
  return changed.length > 0;
}

/** Pauses a schedule or lets it go on, from now: ticks of the pause are not made up for. False when there is none. */
export async function setSchedulePaused(
  db: Db,
  id: NameId,
  isPaused: boolean,
  { changedBy, at }: { readonly changedBy: string; readonly at: Date },
): Promise<boolean> {
  const atText = sql`${at.toISOString()}::timestamptz`;
  const changed = await db
    .update(schedules)
    .set({
      isPaused,
      consideredAt: sql`case when ${schedules.isPaused} and not ${isPaused}::boolean then ${atText} else ${schedules.consideredAt} end`,
      wakeAt: isPaused ? null : sql`case when ${schedules.launchPlanId} is null then null else ${atText} end`,
      updatedBy: changedBy,
      updatedAt: sql`now()`,
    })
    .where(isScheduleOf(id))
    .returning({ name: schedules.name });
  return changed.length > 0;
}

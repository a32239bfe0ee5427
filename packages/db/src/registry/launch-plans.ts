import { and, eq, getTableColumns, ne, sql, TransactionRollbackError } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import { activateSchedule, deactivateSchedule, type ScheduleChange } from "../schedules/schedules.ts";
import { type LAUNCH_PLAN_STATES, launchPlans, workflows } from "../schema/index.ts";
import type { NameId, VersionId } from "./identity.ts";
import { insertName, lockName, type NamedEntityState } from "./named-entities.ts";

export type LaunchPlanState = (typeof LAUNCH_PLAN_STATES)[number];
export type LaunchPlanRow = typeof launchPlans.$inferSelect;

/** What a caller decides about a new version of a launch plan. */
export type NewLaunchPlan = VersionId &
  Pick<LaunchPlanRow, "workflowId" | "digest" | "scheduleType" | "spec" | "closure" | "createdAt">;

/** Stores an inactive version and its name; false when that version exists already, which then stays as it is. */
export async function insertLaunchPlan(
  db: Db,
  plan: NewLaunchPlan,
  state: NamedEntityState = "active",
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const inserted = await tx
      .insert(launchPlans)
      .values({ ...plan, updatedAt: plan.createdAt })
      .onConflictDoNothing({
        target: [launchPlans.project, launchPlans.domain, launchPlans.name, launchPlans.version],
      })
      .returning({ id: launchPlans.id });
    if (inserted.length === 0) return false;
    await insertName(tx, "launch_plan", plan, state);
    return true;
  });
}

export async function findLaunchPlan(db: Db, id: VersionId): Promise<LaunchPlanRow | undefined> {
  const [row] = await db.select().from(launchPlans).where(isVersion(id));
  return row;
}

export async function findActiveLaunchPlan(db: Db, id: NameId): Promise<LaunchPlanRow | undefined> {
  const [row] = await db
    .select()
    .from(launchPlans)
    .where(and(isName(id), eq(launchPlans.state, "active")));
  return row;
}

/**
 * Activates or deactivates a version; false when there is none. Activation takes the place of the version that is
 * active, in the same transaction, and its schedule that of the other. The lock on the name makes two that activate at once
 * take turns: the later one wins.
 */
export async function setLaunchPlanState(
  db: Db,
  id: VersionId,
  state: LaunchPlanState,
  change: ScheduleChange,
): Promise<boolean> {
  return db
    .transaction(async (tx) => {
      await lockName(tx, "launch_plan", id);
      if (state === "active") {
        await tx
          .update(launchPlans)
          .set({ state: "inactive", updatedAt: sql`now()` })
          .where(and(isName(id), eq(launchPlans.state, "active"), ne(launchPlans.version, id.version)));
      }
      const updated = await tx
        .update(launchPlans)
        .set({ state, updatedAt: sql`now()` })
        .where(isVersion(id))
        .returning({ id: launchPlans.id });
      const [row] = updated;
      if (!row) return tx.rollback();
      const { schedule } = change;
      if (state === "inactive") await deactivateSchedule(tx, id, change.changedBy, row.id);
      else if (schedule) await activateSchedule(tx, id, row.id, { ...change, schedule });
      else await deactivateSchedule(tx, id, change.changedBy);
      return true;
    })
    .catch((error: unknown) => {
      if (error instanceof TransactionRollbackError) return false;
      throw error;
    });
}

const LAUNCH_PLAN_FIELDS = {
  id: launchPlans.id,
  project: launchPlans.project,
  domain: launchPlans.domain,
  name: launchPlans.name,
  version: launchPlans.version,
  state: launchPlans.state,
  scheduleType: launchPlans.scheduleType,
  createdAt: launchPlans.createdAt,
  updatedAt: launchPlans.updatedAt,
  workflowProject: workflows.project,
  workflowDomain: workflows.domain,
  workflowName: workflows.name,
  workflowVersion: workflows.version,
} satisfies ListFields<string>;
export type LaunchPlanField = keyof typeof LAUNCH_PLAN_FIELDS;

export async function listLaunchPlans(db: Db, query: ListQuery<LaunchPlanField>): Promise<LaunchPlanRow[]> {
  return db
    .select(getTableColumns(launchPlans))
    .from(launchPlans)
    .innerJoin(workflows, eq(workflows.id, launchPlans.workflowId))
    .where(whereOf(LAUNCH_PLAN_FIELDS, query.where))
    .orderBy(...orderOf(LAUNCH_PLAN_FIELDS, query.sort, [launchPlans.id]))
    .limit(query.limit)
    .offset(query.offset);
}

const isName = (id: NameId) =>
  and(eq(launchPlans.project, id.project), eq(launchPlans.domain, id.domain), eq(launchPlans.name, id.name));

const isVersion = (id: VersionId) => and(isName(id), eq(launchPlans.version, id.version));

import { and, desc, eq, getTableColumns, gte, inArray, lte } from "drizzle-orm";
import type { Db } from "../connect.ts";
import type { NameId } from "../registry/identity.ts";
import { launchPlans, scheduleTicks } from "../schema/index.ts";
import type { TickOutcome } from "./due-schedules.ts";

/** A tick, with the version that it launches. */
export type TickRow = typeof scheduleTicks.$inferSelect & { readonly version: string };

export interface TickQuery {
  readonly outcomes?: readonly TickOutcome[] | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly backfillId?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Ticks of a launch plan's name, of its schedule and of backfills; the newest moment first. */
export async function listTicks(db: Db, { project, domain, name }: NameId, query: TickQuery): Promise<TickRow[]> {
  const { outcomes, from, to, backfillId, limit, offset } = query;
  return db
    .select({ ...getTableColumns(scheduleTicks), version: launchPlans.version })
    .from(scheduleTicks)
    .innerJoin(launchPlans, eq(launchPlans.id, scheduleTicks.launchPlanId))
    .where(
      and(
        eq(scheduleTicks.project, project),
        eq(scheduleTicks.domain, domain),
        eq(scheduleTicks.name, name),
        outcomes === undefined ? undefined : inArray(scheduleTicks.outcome, [...outcomes]),
        from === undefined ? undefined : gte(scheduleTicks.fireAt, from),
        to === undefined ? undefined : lte(scheduleTicks.fireAt, to),
        backfillId === undefined ? undefined : eq(scheduleTicks.backfillId, backfillId),
      ),
    )
    .orderBy(desc(scheduleTicks.fireAt), desc(scheduleTicks.id))
    .limit(limit)
    .offset(offset);
}

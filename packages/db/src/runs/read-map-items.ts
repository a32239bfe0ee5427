import { and, asc, eq, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { actions } from "../schema/index.ts";

const ITEM = {
  ordinal: actions.ordinal,
  index: sql<number>`${actions.itemIndex}`,
  name: actions.name,
  kind: actions.kind,
  phase: actions.phase,
  attempts: actions.attempts,
  cacheStatus: actions.cacheStatus,
  isRecovered: actions.isRecovered,
  errorMessage: actions.errorMessage,
  updatedAt: actions.updatedAt,
};

/** What people want to see of a map's item. */
export type MapItemRow = Pick<typeof actions.$inferSelect, Exclude<keyof typeof ITEM, "index">> & {
  readonly index: number;
};

/** What needs somebody's eye comes first: failures, then what runs, then what was aborted and what waits. */
const URGENCY = sql`case ${actions.phase}
  when 'failed' then 0 when 'failing' then 0 when 'running' then 1 when 'aborting' then 1
  when 'aborted' then 2 when 'queued' then 3 else 4 end`;

/** Up to `limit` of the items of a map that have begun, the most urgent ones, and those in the order of their index. */
export async function listMapItems(db: Db, runId: string, mapOrdinal: number, limit: number): Promise<MapItemRow[]> {
  return db
    .select(ITEM)
    .from(actions)
    .where(and(eq(actions.runId, runId), eq(actions.parentOrdinal, mapOrdinal)))
    .orderBy(URGENCY, asc(actions.itemIndex))
    .limit(limit);
}

export type ActionPhaseCounts = Partial<Record<MapItemRow["phase"], number>>;

/** How many actions of a run are in each phase; only those directly under another one where that is given. */
export async function countPhases(db: Db, runId: string, parentOrdinal?: number): Promise<ActionPhaseCounts> {
  const rows = await db
    .select({ phase: actions.phase, count: sql<number>`count(*)::int` })
    .from(actions)
    .where(
      and(eq(actions.runId, runId), parentOrdinal === undefined ? undefined : eq(actions.parentOrdinal, parentOrdinal)),
    )
    .groupBy(actions.phase);
  return Object.fromEntries(rows.map(({ phase, count }) => [phase, count]));
}

import { and, asc, eq, inArray, isNull } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { actions, attempts } from "../schema/index.ts";

const ACTION = {
  ordinal: actions.ordinal,
  parentOrdinal: actions.parentOrdinal,
  name: actions.name,
  kind: actions.kind,
  taskKey: actions.taskKey,
  phase: actions.phase,
  isExpanded: actions.isExpanded,
  createdAt: actions.createdAt,
  updatedAt: actions.updatedAt,
  startedAt: actions.startedAt,
  endedAt: actions.endedAt,
};
const ATTEMPT = {
  ordinal: attempts.ordinal,
  attempt: attempts.attempt,
  queuedAt: attempts.queuedAt,
  updatedAt: attempts.updatedAt,
  startedAt: attempts.startedAt,
  endedAt: attempts.endedAt,
};

export type TimedAction = Pick<typeof actions.$inferSelect, keyof typeof ACTION>;
export type TimedAttempt = Pick<typeof attempts.$inferSelect, keyof typeof ATTEMPT>;

/** When the first `limit` actions of a run and their attempts began and ended; items of maps are left out. */
export async function readTimings(
  db: Db,
  runId: string,
  limit: number,
): Promise<{ actions: TimedAction[]; attempts: TimedAttempt[] }> {
  const isPart = and(eq(actions.runId, runId), isNull(actions.itemIndex));
  const timed = await db.select(ACTION).from(actions).where(isPart).orderBy(asc(actions.ordinal)).limit(limit);
  const ordinals = timed.filter(({ kind }) => kind === "task").map(({ ordinal }) => ordinal);
  if (ordinals.length === 0) return { actions: timed, attempts: [] };
  const tries = await db
    .select(ATTEMPT)
    .from(attempts)
    .where(and(eq(attempts.runId, runId), inArray(attempts.ordinal, ordinals)))
    .orderBy(asc(attempts.ordinal), asc(attempts.attempt));
  return { actions: timed, attempts: tries };
}

import { and, asc, eq, getTableColumns, isNotNull, isNull, or, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import { actions, signals } from "../schema/index.ts";

/** A gate's signal, with what is known of the gate. */
export type GateRow = typeof signals.$inferSelect & {
  /** What clients call the gate's action. */
  readonly action: string;
  /** Whether an answer would be taken. */
  readonly isWaiting: boolean;
};

const isWaiting = and(isNull(signals.value), isNull(actions.endedAt));
const GATE = { ...getTableColumns(signals), action: actions.name, isWaiting: sql<boolean>`${isWaiting}` };

/** The gates of a run, oldest first; only those that ask for `signalId` where it is given. */
export async function listGates(
  db: Db,
  runId: string,
  { signalId, limit, offset }: { readonly signalId?: string; readonly limit: number; readonly offset: number },
): Promise<GateRow[]> {
  return db
    .select(GATE)
    .from(signals)
    .innerJoin(actions, and(eq(actions.runId, signals.runId), eq(actions.ordinal, signals.ordinal)))
    .where(and(eq(signals.runId, runId), signalId === undefined ? undefined : eq(signals.signalId, signalId)))
    .orderBy(asc(signals.ordinal))
    .limit(limit)
    .offset(offset);
}

/** One signal as Flyte knows it: by its id alone. */
export type SignalRow = Pick<typeof signals.$inferSelect, "signalId" | "type" | "value" | "createdAt">;

/**
 * Of several gates that ask for the same id one stands for all: one that waits, or else the one that was answered last. A
 * gate that ended without an answer is not a signal any more.
 */
const latestSignals = (db: Db, runId: string) =>
  db
    .selectDistinctOn([signals.signalId], {
      signalId: signals.signalId,
      type: signals.type,
      value: signals.value,
      createdAt: signals.createdAt,
    })
    .from(signals)
    .innerJoin(actions, and(eq(actions.runId, signals.runId), eq(actions.ordinal, signals.ordinal)))
    .where(and(eq(signals.runId, runId), or(isNotNull(signals.value), isNull(actions.endedAt))))
    .orderBy(signals.signalId, sql`${isWaiting} desc`, sql`${signals.setAt} desc nulls last`, signals.ordinal)
    .as("latest");

const fieldsOf = (latest: ReturnType<typeof latestSignals>) =>
  ({ signalId: latest.signalId, createdAt: latest.createdAt }) satisfies ListFields<string>;
export type SignalField = keyof ReturnType<typeof fieldsOf>;

/** The signals of a run, one for each id. Without a sort: oldest first. */
export async function listSignals(db: Db, runId: string, query: ListQuery<SignalField>): Promise<SignalRow[]> {
  const latest = latestSignals(db, runId);
  const fields = fieldsOf(latest);
  return db
    .select()
    .from(latest)
    .where(whereOf(fields, query.where))
    .orderBy(...orderOf(fields, query.sort, [latest.createdAt, latest.signalId]))
    .limit(query.limit)
    .offset(query.offset);
}

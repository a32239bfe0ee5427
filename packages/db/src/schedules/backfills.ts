import { and, count, desc, eq, getTableColumns, inArray, sql } from "drizzle-orm";
import type { Db, Tx } from "../connect.ts";
import type { NameId } from "../registry/identity.ts";
import { type BACKFILL_PHASES, backfills, launchPlans, scheduleTicks } from "../schema/index.ts";
import type { TickOutcome } from "./due-schedules.ts";
import { shardOfName } from "./schedules.ts";

export type BackfillPhase = (typeof BACKFILL_PHASES)[number];
type BackfillColumns = typeof backfills.$inferSelect;

/** A backfill, with the version that it launches and how many of its ticks have come to what. */
export type BackfillRow = BackfillColumns & {
  readonly version: string;
  readonly counts: Readonly<Partial<Record<TickOutcome, number>>>;
  /** How many of its runs go on. */
  readonly openCount: number;
};

/** What a caller decides about a backfill. */
export type NewBackfill = Omit<
  typeof backfills.$inferInsert,
  "shard" | "phase" | "tickCount" | "createdAt" | "updatedAt" | "endedAt"
>;

/** Of a tick that made no run a backfill makes one; others are left as they are. */
const WITHOUT_RUN = ["missed", "skipped", "failed", "cancelled"] as const;
const TICKS_PER_STATEMENT = 1_000;

/** Stores a backfill with a tick for each moment, all or nothing. Answers how many of the moments it took. */
export async function insertBackfill(db: Db, backfill: NewBackfill, moments: readonly Date[]): Promise<number> {
  return db.transaction(async (tx) => {
    const [inserted] = await tx
      .insert(backfills)
      .values({ ...backfill, shard: shardOfName(backfill), tickCount: moments.length })
      .returning({ shard: backfills.shard });
    const shard = inserted?.shard ?? 0;
    let taken = 0;
    for (let at = 0; at < moments.length; at += TICKS_PER_STATEMENT) {
      taken += await insertTicks(tx, { ...backfill, shard }, moments.slice(at, at + TICKS_PER_STATEMENT));
    }
    return taken;
  });
}

async function insertTicks(
  tx: Tx,
  backfill: NewBackfill & { readonly shard: number },
  moments: readonly Date[],
): Promise<number> {
  const { id, project, domain, name, launchPlanId, again, shard } = backfill;
  const taken = await tx
    .insert(scheduleTicks)
    .values(
      moments.map((fireAt) => ({
        project,
        domain,
        name,
        fireAt,
        again: again ? id : "",
        shard,
        launchPlanId,
        backfillId: id,
        tryAt: fireAt,
      })),
    )
    .onConflictDoUpdate({
      target: [
        scheduleTicks.project,
        scheduleTicks.domain,
        scheduleTicks.name,
        scheduleTicks.fireAt,
        scheduleTicks.again,
      ],
      set: {
        backfillId: id,
        launchPlanId,
        outcome: "pending",
        reason: "",
        settledAt: null,
        tryAt: sql`excluded.try_at`,
      },
      setWhere: inArray(scheduleTicks.outcome, [...WITHOUT_RUN]),
    })
    .returning({ id: scheduleTicks.id });
  return taken.length;
}

export async function findBackfill(
  db: Db,
  { project, domain, id }: { readonly project: string; readonly domain: string; readonly id: string },
): Promise<BackfillRow | undefined> {
  const rows = await db
    .select({ ...getTableColumns(backfills), version: launchPlans.version })
    .from(backfills)
    .innerJoin(launchPlans, eq(launchPlans.id, backfills.launchPlanId))
    .where(and(eq(backfills.id, id), eq(backfills.project, project), eq(backfills.domain, domain)));
  return (await withCounts(db, rows))[0];
}

/** The backfills of a domain, or of one launch plan's name in it; newest first. */
export async function listBackfills(
  db: Db,
  { project, domain, name }: Omit<NameId, "name"> & { readonly name?: string | undefined },
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<BackfillRow[]> {
  const rows = await db
    .select({ ...getTableColumns(backfills), version: launchPlans.version })
    .from(backfills)
    .innerJoin(launchPlans, eq(launchPlans.id, backfills.launchPlanId))
    .where(
      and(
        eq(backfills.project, project),
        eq(backfills.domain, domain),
        name === undefined ? undefined : eq(backfills.name, name),
      ),
    )
    .orderBy(desc(backfills.createdAt), desc(backfills.id))
    .limit(limit)
    .offset(offset);
  return withCounts(db, rows);
}

async function withCounts(
  db: Db,
  rows: readonly (BackfillColumns & { readonly version: string })[],
): Promise<BackfillRow[]> {
  if (rows.length === 0) return [];
  const counted = await db
    .select({
      backfillId: scheduleTicks.backfillId,
      outcome: scheduleTicks.outcome,
      count: count(),
      openCount: sql<number>`(count(*) filter (where ${scheduleTicks.isOpen}))::int`,
    })
    .from(scheduleTicks)
    .where(
      inArray(
        scheduleTicks.backfillId,
        rows.map(({ id }) => id),
      ),
    )
    .groupBy(scheduleTicks.backfillId, scheduleTicks.outcome);
  return rows.map((row) => {
    const own = counted.filter(({ backfillId }) => backfillId === row.id);
    return {
      ...row,
      counts: Object.fromEntries(own.map(({ outcome, count }) => [outcome, count])),
      openCount: own.reduce((sum, { openCount }) => sum + openCount, 0),
    };
  });
}

/** Moves a backfill to another phase, from one of `from`; false when it is in none of them. */
export async function setBackfillPhase(
  db: Db,
  id: string,
  phase: Exclude<BackfillPhase, "done">,
  from: readonly BackfillPhase[],
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const moved = await tx
      .update(backfills)
      .set({ phase, updatedAt: sql`now()`, ...(phase === "cancelled" ? { endedAt: sql`now()` } : {}) })
      .where(and(eq(backfills.id, id), inArray(backfills.phase, [...from])))
      .returning({ id: backfills.id });
    if (moved.length === 0) return false;
    if (phase !== "cancelled") return true;
    await tx
      .update(scheduleTicks)
      .set({ outcome: "cancelled", reason: "The backfill was cancelled before its turn came.", settledAt: sql`now()` })
      .where(and(eq(scheduleTicks.backfillId, id), eq(scheduleTicks.outcome, "pending")));
    return true;
  });
}

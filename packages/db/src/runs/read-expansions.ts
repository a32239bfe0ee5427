import { and, eq, inArray } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { expansions } from "../schema/index.ts";

export type ExpansionRow = typeof expansions.$inferSelect;

/** The workflow that an action's task wrote instead of outputs. */
export async function findExpansion(db: Db, runId: string, ordinal: number): Promise<ExpansionRow | undefined> {
  const [row] = await db
    .select()
    .from(expansions)
    .where(and(eq(expansions.runId, runId), eq(expansions.ordinal, ordinal)));
  return row;
}

/** Where the tasks of the given actions left what they wrote, by ordinal. */
export async function findSpecUris(
  db: Db,
  runId: string,
  ordinals: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  if (ordinals.length === 0) return new Map();
  const rows = await db
    .select({ ordinal: expansions.ordinal, specUri: expansions.specUri })
    .from(expansions)
    .where(and(eq(expansions.runId, runId), inArray(expansions.ordinal, [...ordinals])));
  return new Map(rows.map(({ ordinal, specUri }) => [ordinal, specUri]));
}

import { and, eq, sql } from "drizzle-orm";
import type pg from "pg";
import type { Db } from "../connect.ts";
import type { ActionRow } from "../runs/read-actions.ts";
import { actions } from "../schema/index.ts";

/** Where the runs stand now: id → `changed_seq`. */
export async function readChangedRuns(db: pg.Pool, runIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; sequence: string }>({
    name: "read-changed-runs",
    text: "select id, changed_seq as sequence from runs where id = any($1::uuid[])",
    values: [runIds],
  });
  return new Map(rows.map(({ id, sequence }) => [id, Number(sequence)]));
}

/** A place in the changes of a run: rows are ordered by the sequence of their last change, then by ordinal. */
export interface ChangeCursor {
  readonly sequence: number;
  readonly ordinal: number;
}

/** The next actions of a run that changed after the cursor, in the order of their change. */
export async function readChangedActions(
  db: Db,
  runId: string,
  after: ChangeCursor,
  limit: number,
): Promise<ActionRow[]> {
  return db
    .select()
    .from(actions)
    .where(
      and(
        eq(actions.runId, runId),
        sql`(${actions.changedSeq}, ${actions.ordinal}) > (${after.sequence}::bigint, ${after.ordinal}::int)`,
      ),
    )
    .orderBy(actions.changedSeq, actions.ordinal)
    .limit(limit);
}

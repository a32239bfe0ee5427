import type pg from "pg";

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

/** The ordinals of the next actions that changed after the cursor, each with its place. */
export async function readChangedActions(
  db: pg.Pool,
  runId: string,
  after: ChangeCursor,
  limit: number,
): Promise<ChangeCursor[]> {
  const { rows } = await db.query<{ sequence: string; ordinal: number }>({
    name: "read-changed-actions",
    text: `select changed_seq as sequence, ordinal from actions
           where run_id = $1 and (changed_seq, ordinal) > ($2, $3) order by changed_seq, ordinal limit $4`,
    values: [runId, after.sequence, after.ordinal, limit],
  });
  return rows.map(({ sequence, ordinal }) => ({ sequence: Number(sequence), ordinal }));
}

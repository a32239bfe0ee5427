import type pg from "pg";

/** Whether a run exists and is not over. */
export async function isRunLive(db: pg.Pool, runId: string): Promise<boolean> {
  const { rows } = await db.query({
    name: "is-run-live",
    text: "select from runs where id = $1 and phase not in ('succeeded', 'failed', 'aborted')",
    values: [runId],
  });
  return rows.length > 0;
}

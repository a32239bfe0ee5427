import type pg from "pg";
import type { StoredExpansion } from "../agents/action-path.ts";

/** What the task of an action wrote instead of outputs. */
export interface ActionExpansion extends StoredExpansion {
  readonly ordinal: number;
}

/** The expansions of runs, without those of map items that are over. */
export async function readExpansions(
  pool: pg.Pool,
  runIds: readonly string[],
): Promise<(ActionExpansion & { readonly runId: string })[]> {
  const { rows } = await pool.query<ActionExpansion & { runId: string }>({
    name: "read-expansions",
    text: `select e.run_id as "runId", e.ordinal, e.compiled, e.uri
           from expansions e join actions a on a.run_id = e.run_id and a.ordinal = e.ordinal
           where e.run_id = any($1::uuid[]) and (a.item_index is null or a.ended_at is null)`,
    values: [runIds],
  });
  return rows;
}

/** The expansions of some actions of a run. */
export async function readExpansionsOf(
  pool: pg.Pool,
  runId: string,
  ordinals: readonly number[],
): Promise<ActionExpansion[]> {
  const { rows } = await pool.query<ActionExpansion>({
    name: "read-expansions-of",
    text: "select ordinal, compiled, uri from expansions where run_id = $1 and ordinal = any($2::int[])",
    values: [runId, ordinals],
  });
  return rows;
}

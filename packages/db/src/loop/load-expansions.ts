import type pg from "pg";
import type { StoredExpansion } from "../agents/action-path.ts";

/** What the task of an action wrote instead of outputs. */
export interface ActionExpansion extends StoredExpansion {
  readonly ordinal: number;
}

/** The expansions of actions; of those that wrote none there is no answer. */
export async function readExpansions(
  pool: pg.Pool,
  actions: readonly { readonly runId: string; readonly ordinal: number }[],
): Promise<(ActionExpansion & { readonly runId: string })[]> {
  const { rows } = await pool.query<ActionExpansion & { runId: string }>({
    name: "read-expansions",
    text: `select e.run_id as "runId", e.ordinal, e.compiled, e.uri
           from unnest($1::uuid[], $2::int[]) a(run_id, ordinal) join expansions e using (run_id, ordinal)`,
    values: [actions.map(({ runId }) => runId), actions.map(({ ordinal }) => ordinal)],
  });
  return rows;
}

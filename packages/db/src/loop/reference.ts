import type { ActionKind, ActionPhase } from "@skein/engine";
import type pg from "pg";

/** An action of a run that another one recovers. */
export interface ReferenceRow {
  readonly ordinal: number;
  readonly name: string;
  readonly parentOrdinal: number | null;
  readonly specNodeId: string;
  readonly kind: ActionKind;
  readonly phase: ActionPhase;
  readonly itemIndex: number | null;
  readonly isExpanded: boolean;
}

/** The run that another one recovers, with the names of its actions from which on everything is done anew. */
export interface RunToRecover {
  readonly runId: string;
  readonly workflowId: number;
  readonly rerunFrom: readonly string[];
  /** By ordinal. */
  readonly actions: readonly ReferenceRow[];
}

/** What the run `runId` recovers; undefined when it recovers nothing, or nothing that is known any more. */
export async function readRunToRecover(pool: pg.Pool, runId: string): Promise<RunToRecover | undefined> {
  const { rows } = await pool.query<{ referenceRunId: string; workflowId: string; rerunFrom: string[] | null }>(
    `select f.id as "referenceRunId", f.workflow_id as "workflowId", r.rerun_from as "rerunFrom"
     from runs r join runs f on f.id = r.reference_run_id where r.id = $1`,
    [runId],
  );
  const [found] = rows;
  if (!found) return undefined;
  const { rows: actions } = await pool.query<ReferenceRow>({
    name: "read-reference-actions",
    text: `select ordinal, name, parent_ordinal as "parentOrdinal", spec_node_id as "specNodeId", kind, phase,
             item_index as "itemIndex", is_expanded as "isExpanded"
           from actions where run_id = $1 order by ordinal`,
    values: [found.referenceRunId],
  });
  const { referenceRunId, workflowId, rerunFrom } = found;
  return { runId: referenceRunId, workflowId: Number(workflowId), rerunFrom: rerunFrom ?? [], actions };
}

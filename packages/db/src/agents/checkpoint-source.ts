import type pg from "pg";

/** An action whose attempts may have left checkpoints. */
export interface CheckpointSource {
  readonly runName: string;
  readonly actionName: string;
  /** `flyteidl.admin.ExecutionSpec` of its run. */
  readonly runSpec: Uint8Array;
  /** How many attempts it made. */
  readonly attempts: number;
  /** The action that its own run took over from, when that was a recovery too. */
  readonly reference: { readonly runId: string; readonly ordinal: number } | null;
}

interface Row extends Omit<CheckpointSource, "reference"> {
  readonly referenceRunId: string | null;
  readonly referenceOrdinal: number | null;
}

export async function readCheckpointSource(
  db: pg.Pool,
  { runId, ordinal }: { readonly runId: string; readonly ordinal: number },
): Promise<CheckpointSource | undefined> {
  const { rows } = await db.query<Row>({
    name: "read-checkpoint-source",
    text: `select r.name as "runName", a.name as "actionName", r.spec as "runSpec", a.attempts,
                  r.reference_run_id as "referenceRunId", a.reference_ordinal as "referenceOrdinal"
           from runs r join actions a on a.run_id = r.id where r.id = $1 and a.ordinal = $2`,
    values: [runId, ordinal],
  });
  const [row] = rows;
  if (!row) return undefined;
  const { referenceRunId, referenceOrdinal, ...rest } = row;
  const hasReference = referenceRunId !== null && referenceOrdinal !== null;
  return { ...rest, reference: hasReference ? { runId: referenceRunId, ordinal: referenceOrdinal } : null };
}

import type { AttemptId } from "@skein/contracts";
import type { ActionState, AttemptState, Failure, NewAction, RunChange, StoredRun } from "@skein/engine";
import type pg from "pg";

/** A run's rows as the engine takes them, and what the scheduler must know beside them. */
export interface LoadedRun {
  readonly runId: string;
  readonly shard: number;
  readonly org: string;
  readonly project: string;
  readonly domain: string;
  /** What clients call the run. */
  readonly name: string;
  readonly version: number;
  readonly workflowId: number;
  /** The run that this one recovers. A relaunch recovers nothing. */
  readonly referenceRunId: string | null;
  /** The launch asked to compute anew what the cache holds. */
  readonly overwriteCache: boolean;
  /** For a child run: the try of the launch plan's action that started it. */
  readonly parent: AttemptId | null;
  readonly stored: StoredRun;
}

interface FailureColumns {
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorKind: "user" | "system" | null;
  readonly errorRecoverable?: boolean | null;
}

interface Moments {
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

type RunRow = Omit<LoadedRun, "stored" | "workflowId" | "parent"> & {
  readonly workflowId: string;
  readonly parentRunId: string | null;
  readonly parentOrdinal: number | null;
  readonly parentAttempt: number | null;
} & FailureColumns &
  Moments &
  Pick<RunChange, "phase" | "abortCause" | "abortPrincipal">;
type ActionRow = { runId: string } & NewAction &
  Omit<ActionState, "failure" | "startedAtMs" | "endedAtMs"> &
  FailureColumns &
  Moments;
type AttemptRow = { runId: string; queuedAt: Date } & Pick<AttemptState, "ordinal" | "attempt" | "phase"> &
  FailureColumns &
  Moments;

const FAILURE = `error_code as "errorCode", error_message as "errorMessage", error_kind as "errorKind"`;
const MOMENTS = `started_at as "startedAt", ended_at as "endedAt"`;

/**
 * Reads runs with all their actions and the open attempts, in at most two round trips however many runs there are. A
 * run that nobody advanced yet (version 0) has no further rows and costs one. Unknown ids are left out.
 */
export async function readRunStates(pool: pg.Pool, runIds: readonly string[]): Promise<LoadedRun[]> {
  const { rows } = await pool.query<RunRow>({
    name: "load-runs",
    text: `select id as "runId", shard, org, project, domain, name, version, workflow_id as "workflowId", phase,
             case when mode <> 'relaunch' then reference_run_id end as "referenceRunId", overwrite_cache as "overwriteCache",
             parent_run_id as "parentRunId", parent_ordinal as "parentOrdinal", parent_attempt as "parentAttempt",
             abort_cause as "abortCause", abort_principal as "abortPrincipal", ${FAILURE}, ${MOMENTS}
           from runs where id = any($1::uuid[])`,
    values: [runIds],
  });
  const advanced = rows.filter(({ version }) => version > 0).map(({ runId }) => runId);
  const [actions, attempts] =
    advanced.length === 0
      ? [new Map(), new Map()]
      : await Promise.all([loadActions(pool, advanced), loadOpenAttempts(pool, advanced)]);
  return rows.map(({ runId, shard, org, project, domain, name, version, workflowId, referenceRunId, ...row }) => ({
    runId,
    shard,
    org,
    project,
    domain,
    name,
    version,
    workflowId: Number(workflowId),
    referenceRunId,
    overwriteCache: row.overwriteCache,
    parent: toParent(row),
    stored: {
      run: {
        phase: row.phase,
        abortCause: row.abortCause,
        abortPrincipal: row.abortPrincipal,
        ...toMoments(row),
        failure: toFailure(row),
      },
      actions: actions.get(runId) ?? [],
      attempts: attempts.get(runId) ?? [],
    },
  }));
}

function toParent({
  parentRunId,
  parentOrdinal,
  parentAttempt,
}: Pick<RunRow, "parentRunId" | "parentOrdinal" | "parentAttempt">): AttemptId | null {
  if (parentRunId === null || parentOrdinal === null || parentAttempt === null) return null;
  return { runId: parentRunId, ordinal: parentOrdinal, attempt: parentAttempt };
}

async function loadActions(pool: pg.Pool, runIds: readonly string[]) {
  const { rows } = await pool.query<ActionRow>({
    name: "load-actions",
    text: `select run_id as "runId", ordinal, name, parent_ordinal as "parentOrdinal", spec_node_id as "specNodeId", kind,
             task_key as "taskKey", phase, attempts, user_failures as "userFailures", system_failures as "systemFailures",
             ${FAILURE}, ${MOMENTS}
           from actions where run_id = any($1::uuid[]) order by run_id, ordinal`,
    values: [runIds],
  });
  return groupByRun(rows, ({ errorCode, errorMessage, errorKind, startedAt, endedAt, ...row }) => ({
    ...row,
    ...toMoments({ startedAt, endedAt }),
    failure: toFailure({ errorCode, errorMessage, errorKind }),
  }));
}

/** The newest attempt of each action that is not over; the others are history. */
async function loadOpenAttempts(pool: pg.Pool, runIds: readonly string[]) {
  const { rows } = await pool.query<AttemptRow>({
    name: "load-open-attempts",
    text: `select t.run_id as "runId", t.ordinal, t.attempt, t.phase, t.queued_at as "queuedAt", t.started_at as "startedAt",
             t.ended_at as "endedAt", t.error_code as "errorCode", t.error_message as "errorMessage",
             t.error_kind as "errorKind", t.error_recoverable as "errorRecoverable"
           from actions a join attempts t on t.run_id = a.run_id and t.ordinal = a.ordinal and t.attempt = a.attempts - 1
           where a.run_id = any($1::uuid[]) and a.ended_at is null`,
    values: [runIds],
  });
  return groupByRun(rows, (row) => ({
    ordinal: row.ordinal,
    attempt: row.attempt,
    phase: row.phase,
    queuedAtMs: row.queuedAt.getTime(),
    ...toMoments(row),
    failure: toFailure(row),
  }));
}

function groupByRun<Row extends { runId: string }, T>(
  rows: readonly Row[],
  convert: (row: Row) => T,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.runId);
    if (group) group.push(convert(row));
    else groups.set(row.runId, [convert(row)]);
  }
  return groups;
}

const toMoments = ({ startedAt, endedAt }: Moments) => ({
  startedAtMs: startedAt?.getTime() ?? null,
  endedAtMs: endedAt?.getTime() ?? null,
});

const toFailure = ({ errorCode, errorMessage, errorKind, errorRecoverable }: FailureColumns): Failure | null =>
  errorCode === null
    ? null
    : {
        code: errorCode,
        message: errorMessage ?? "",
        kind: errorKind ?? "system",
        recoverable: errorRecoverable ?? false,
      };

/** The compiled workflows of the ids (`flyteidl.core.CompiledWorkflowClosure`). */
export async function readCompiledWorkflows(
  pool: pg.Pool,
  ids: readonly number[],
): Promise<ReadonlyMap<number, Uint8Array>> {
  const { rows } = await pool.query<{ id: string; compiled: Buffer }>({
    name: "load-compiled-workflows",
    text: "select id, compiled from workflows where id = any($1::bigint[])",
    values: [ids],
  });
  return new Map(rows.map(({ id, compiled }) => [Number(id), compiled]));
}

import type { AttemptId } from "@skein/contracts";
import type { ActionState, AttemptState, Failure, NewAction, RunChange, StoredRun } from "@skein/engine";
import type pg from "pg";
import type { RunLimits } from "../runs/run-settings.ts";
import { type ActionExpansion, readExpansions } from "./load-expansions.ts";
import { countItems, readLastOrdinals } from "./load-maps.ts";

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
  readonly limits: RunLimits;
  /** For a child run: the try of the launch plan's action that started it. */
  readonly parent: AttemptId | null;
  readonly stored: Omit<StoredRun, "expansions" | "reference" | "limits">;
  /** What tasks of the run wrote instead of outputs. */
  readonly expansions: readonly ActionExpansion[];
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

type RunRow = Omit<LoadedRun, "stored" | "expansions" | "workflowId" | "parent" | "limits"> & {
  readonly workflowId: string;
  readonly queueTimeoutMs: string;
  readonly parentRunId: string | null;
  readonly parentOrdinal: number | null;
  readonly parentAttempt: number | null;
} & Omit<RunLimits, "queueTimeoutMs"> &
  FailureColumns &
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
 * Reads runs with their actions and the open attempts, in at most two round trips however many runs there are. Items of
 * maps that are over, and what they were made of, are only counted. A run that nobody advanced yet (version 0) has no
 * further rows and costs one. Unknown ids are left out.
 */
export async function readRunStates(pool: pg.Pool, runIds: readonly string[]): Promise<LoadedRun[]> {
  const { rows } = await pool.query<RunRow>({
    name: "load-runs",
    text: `select id as "runId", shard, org, project, domain, name, version, workflow_id as "workflowId", phase,
             case when mode <> 'relaunch' then reference_run_id end as "referenceRunId", overwrite_cache as "overwriteCache",
             priority, pool, max_parallelism as "maxParallelism", queue_timeout_ms as "queueTimeoutMs", memory_growth as "memoryGrowth",
             has_notifications as "hasNotifications",
             parent_run_id as "parentRunId", parent_ordinal as "parentOrdinal", parent_attempt as "parentAttempt",
             abort_cause as "abortCause", abort_principal as "abortPrincipal", ${FAILURE}, ${MOMENTS}
           from runs where id = any($1::uuid[])`,
    values: [runIds],
  });
  const advanced = rows.filter(({ version }) => version > 0).map(({ runId }) => runId);
  const parts = advanced.length === 0 ? undefined : await loadParts(pool, advanced);
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
    limits: {
      priority: row.priority,
      pool: row.pool,
      maxParallelism: row.maxParallelism,
      queueTimeoutMs: Number(row.queueTimeoutMs),
      memoryGrowth: row.memoryGrowth,
      hasNotifications: row.hasNotifications,
    },
    parent: toParent(row),
    stored: {
      run: {
        phase: row.phase,
        abortCause: row.abortCause,
        abortPrincipal: row.abortPrincipal,
        ...toMoments(row),
        failure: toFailure(row),
      },
      actions: parts?.actions.get(runId) ?? [],
      attempts: parts?.attempts.get(runId) ?? [],
      arrays: parts?.arrays.get(runId) ?? [],
      nextOrdinal: (parts?.lastOrdinals.get(runId) ?? -1) + 1,
    },
    expansions: parts?.expansions.get(runId) ?? [],
  }));
}

/** What few runs have is asked for only once their actions say so. */
async function loadParts(pool: pg.Pool, runIds: readonly string[]) {
  const [actions, attempts, lastOrdinals] = await Promise.all([
    loadActions(pool, runIds),
    loadOpenAttempts(pool, runIds),
    readLastOrdinals(pool, runIds),
  ]);
  const all = [...actions].flatMap(([runId, rows]) => rows.map((row) => ({ ...row, runId })));
  const maps = all.filter(({ kind, endedAtMs }) => kind === "array" && endedAtMs === null);
  const expanded = all.filter(({ isExpanded }) => isExpanded);
  const [arrays, expansions] = await Promise.all([
    maps.length === 0 ? [] : countItems(pool, maps),
    expanded.length === 0 ? [] : readExpansions(pool, expanded),
  ]);
  // A map takes up the ordinals of its items before they begin. Those that a forgotten map did not use are free again.
  const nextOrdinals = new Map(lastOrdinals);
  for (const { runId, ordinal, itemCount } of all) {
    nextOrdinals.set(runId, Math.max(nextOrdinals.get(runId) ?? 0, ordinal + (itemCount ?? 0)));
  }
  return {
    actions,
    attempts,
    arrays: groupByRun(arrays),
    expansions: groupByRun(expansions),
    lastOrdinals: nextOrdinals,
  };
}

function toParent({
  parentRunId,
  parentOrdinal,
  parentAttempt,
}: Pick<RunRow, "parentRunId" | "parentOrdinal" | "parentAttempt">): AttemptId | null {
  if (parentRunId === null || parentOrdinal === null || parentAttempt === null) return null;
  return { runId: parentRunId, ordinal: parentOrdinal, attempt: parentAttempt };
}

async function loadActions(
  pool: pg.Pool,
  runIds: readonly string[],
): Promise<Map<string, (NewAction & ActionState)[]>> {
  // From the top down, so that what is below of an item that is over is never looked at. "offset 0" keeps Postgres from
  // reading all actions anew for each level.
  const { rows } = await pool.query<ActionRow>({
    name: "load-actions",
    text: `with recursive kept as (
             select * from actions where run_id = any($1::uuid[]) and parent_ordinal is null
             union all
             select a.* from kept k cross join lateral (
               select * from actions a where a.run_id = k.run_id and a.parent_ordinal = k.ordinal
                 and (a.item_index is null or a.ended_at is null) offset 0) a
             where k.kind in ('workflow', 'branch', 'array') or k.is_expanded)
           select run_id as "runId", ordinal, name, parent_ordinal as "parentOrdinal", spec_node_id as "specNodeId", kind,
             task_key as "taskKey", item_index as "itemIndex", item_count as "itemCount", inputs_ordinal as "inputsOrdinal",
             reference_ordinal as "referenceOrdinal", phase, attempts, user_failures as "userFailures",
             system_failures as "systemFailures", cache_status as "cacheStatus", cache_key as "cacheKey",
             is_recovered as "isRecovered", is_expanded as "isExpanded", ${FAILURE}, ${MOMENTS}
           from kept order by run_id, ordinal`,
    values: [runIds],
  });
  const actions = rows.map(({ errorCode, errorMessage, errorKind, startedAt, endedAt, ...row }) => ({
    ...row,
    ...toMoments({ startedAt, endedAt }),
    failure: toFailure({ errorCode, errorMessage, errorKind }),
  }));
  return groupByRun(actions);
}

/** The newest attempt of each action that is not over; the others are history. */
async function loadOpenAttempts(pool: pg.Pool, runIds: readonly string[]): Promise<Map<string, AttemptState[]>> {
  const { rows } = await pool.query<AttemptRow>({
    name: "load-open-attempts",
    text: `select t.run_id as "runId", t.ordinal, t.attempt, t.phase, t.queued_at as "queuedAt", t.started_at as "startedAt",
             t.ended_at as "endedAt", t.error_code as "errorCode", t.error_message as "errorMessage",
             t.error_kind as "errorKind", t.error_recoverable as "errorRecoverable"
           from actions a join attempts t on t.run_id = a.run_id and t.ordinal = a.ordinal and t.attempt = a.attempts - 1
           where a.run_id = any($1::uuid[]) and a.ended_at is null`,
    values: [runIds],
  });
  const attempts = rows.map((row) => ({
    runId: row.runId,
    ordinal: row.ordinal,
    attempt: row.attempt,
    phase: row.phase,
    queuedAtMs: row.queuedAt.getTime(),
    ...toMoments(row),
    failure: toFailure(row),
  }));
  return groupByRun(attempts);
}

function groupByRun<Row extends { readonly runId: string }>(rows: readonly Row[]): Map<string, Omit<Row, "runId">[]> {
  const groups = new Map<string, Omit<Row, "runId">[]>();
  for (const { runId, ...row } of rows) {
    const group = groups.get(runId);
    if (group) group.push(row);
    else groups.set(runId, [row]);
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

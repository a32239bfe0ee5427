import type { ActionRow, AttemptRow } from "@skein/db";
import { cacheAddress } from "@skein/engine";
import { cacheServiceKey } from "../catalog/cache-service-key.ts";
import type { RunView } from "../runs/run-service.ts";

interface Ended {
  readonly createdAt?: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly duration: number | null;
}
interface Failed {
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorKind: "user" | "system" | null;
}

const timesOf = ({ startedAt, endedAt, duration }: Ended) => ({
  startedAt: startedAt?.toISOString() ?? null,
  endedAt: endedAt?.toISOString() ?? null,
  durationSeconds: duration,
});

const errorOf = ({ errorCode: code, errorMessage: message, errorKind: kind }: Failed) =>
  code === null ? null : { code, message: message ?? "", kind };

function parentOf({ parentRunId, parentAttempt, spec }: RunView) {
  const { executionId, nodeId } = spec.metadata?.parentNodeExecution ?? {};
  if (parentRunId === null || !executionId) return null;
  const { project, domain, name } = executionId;
  return { project, domain, name, action: nodeId ?? "", attempt: parentAttempt ?? 0 };
}

/** A run as tRPC clients see it. */
export const toRunJson = (run: RunView) => ({
  id: run.id,
  project: run.project,
  domain: run.domain,
  name: run.name,
  phase: run.phase,
  state: run.state,
  mode: run.mode,
  principal: run.principal,
  workflow: run.workflow,
  labels: { ...run.spec.labels?.values },
  tags: run.spec.tags,
  /** Of a child run: which run, and which action of it, started it. */
  parent: parentOf(run),
  error: errorOf(run),
  abort: run.abortCause === null ? null : { cause: run.abortCause, principal: run.abortPrincipal ?? "" },
  createdAt: run.createdAt.toISOString(),
  ...timesOf(run),
});

/** The key by which CacheService knows the outputs; null where nothing is cached. */
const cacheKeyOf = ({ cacheKey, taskKey }: ActionRow): string | null =>
  taskKey && cacheKey ? cacheServiceKey(cacheAddress(taskKey, cacheKey)) : null;

/** A step of a run. `parent` is an ordinal too: names are for people, ordinals for joining. */
export const toActionJson = (action: ActionRow) => ({
  ordinal: action.ordinal,
  parent: action.parentOrdinal,
  name: action.name,
  nodeId: action.specNodeId,
  kind: action.kind,
  taskKey: action.taskKey,
  phase: action.phase,
  attempts: action.attempts,
  itemIndex: action.itemIndex,
  itemCount: action.itemCount,
  cacheStatus: action.cacheStatus,
  cacheKey: cacheKeyOf(action),
  isRecovered: action.isRecovered,
  isExpanded: action.isExpanded,
  hasDeck: action.deckUri !== null,
  error: errorOf(action),
  createdAt: action.createdAt.toISOString(),
  ...timesOf(action),
});

export const toAttemptJson = (attempt: AttemptRow) => ({
  attempt: attempt.attempt,
  phase: attempt.phase,
  agent: attempt.agentId,
  imageDigest: attempt.imageDigest,
  error: errorOf(attempt),
  queuedAt: attempt.queuedAt.toISOString(),
  ...timesOf(attempt),
});

import type { Failure } from "./event.ts";

/** The limits the engine keeps. */
export interface EnginePolicy {
  /** Tries beyond the first that system failures may spend, apart from the user's own retries. */
  readonly systemRetriesMax: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** Actions that one commit may end when a run fails or is aborted. */
  readonly endingBatchMax: number;
  /** Items of maps that one commit may begin. */
  readonly openingBatchMax: number;
  /** Items of one map at once, where the map does not say. */
  readonly mapWindow: number;
  /** How deep workflows may be nested: a task that expands into itself for ever must end. */
  readonly nestingMax: number;
}

export const DEFAULT_POLICY: EnginePolicy = {
  systemRetriesMax: 3,
  backoffBaseMs: 100,
  backoffMaxMs: 30_000,
  endingBatchMax: 1_000,
  openingBatchMax: 2_000,
  mapWindow: 2_000,
  nestingMax: 200,
};

/** Failures of an action so far, the newest included, and what its node grants. */
export interface RetryBudget {
  readonly retries: number;
  readonly userFailures: number;
  readonly systemFailures: number;
}

/** The failure an action ends with, or undefined when the attempt that failed is to be followed by another. */
export function finalFailure(failure: Failure, budget: RetryBudget, policy: EnginePolicy): Failure | undefined {
  const isUser = failure.kind === "user";
  if (isUser && !failure.recoverable) return failure;
  const spent = isUser ? budget.userFailures : budget.systemFailures;
  const granted = isUser ? budget.retries : policy.systemRetriesMax;
  if (spent <= granted) return undefined;
  return {
    code: `RetriesExhausted|${failure.code}`,
    message: `[${spent}/${granted + 1}] currentAttempt done. Last Error: ${failure.kind.toUpperCase()}::${failure.message}`,
    kind: "user",
    recoverable: false,
  };
}

/** How long to wait before attempt `attempt` (1 is the first retry). */
export const backoffMs = (attempt: number, policy: EnginePolicy): number =>
  Math.min(policy.backoffMaxMs, policy.backoffBaseMs * 2 ** (attempt - 1));

import type { Command } from "./command.ts";
import type { Failure, ValueRef } from "./event.ts";
import type { ActionPhase, AttemptPhase, RunPhase } from "./phase.ts";

/** What kind of step an action is. `start` and `end` are Flyte 1's start-node and end-node. */
export const ACTION_KINDS = ["start", "end", "task", "workflow"] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];

/** The row of a new action. `name` is what clients see, unique in its run (contract 6.3). */
export interface NewAction {
  readonly ordinal: number;
  readonly name: string;
  readonly parentOrdinal: number | null;
  readonly specNodeId: string;
  readonly kind: ActionKind;
  /** `project:domain:name:version` of the task, for kind task. */
  readonly taskKey: string | null;
}

/** The mutable columns of an action, as they are after this advance. Times are epoch ms. */
export interface ActionState {
  readonly ordinal: number;
  readonly phase: ActionPhase;
  /** Attempts made so far; the current one is `attempts - 1`. */
  readonly attempts: number;
  readonly userFailures: number;
  readonly systemFailures: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly failure: Failure | null;
}

export interface AttemptState {
  readonly ordinal: number;
  readonly attempt: number;
  readonly phase: AttemptPhase;
  readonly queuedAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly failure: Failure | null;
}

export interface RunChange {
  readonly phase: RunPhase;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly failure: Failure | null;
  readonly abortCause: string | null;
  readonly abortPrincipal: string | null;
}

/** A value to store: a serialized `flyteidl.core.LiteralMap`. */
export interface ValueWrite extends ValueRef {
  readonly bytes: Uint8Array;
}

/**
 * Everything one or more calls of `advance` decided for one run, merged to final states: at most one entry per action
 * and per attempt. The scheduler commits all of it in one transaction, or throws the run's in-memory state away.
 */
export interface Changes {
  readonly run: RunChange | null;
  readonly newActions: readonly NewAction[];
  readonly actions: readonly ActionState[];
  /** `isNew` attempts are inserted, the others updated. */
  readonly attempts: readonly (AttemptState & { readonly isNew: boolean })[];
  readonly values: readonly ValueWrite[];
  readonly commands: readonly Command[];
  /** Events that changed nothing because they came late, twice, or for an attempt that is over. Counted in metrics. */
  readonly staleEvents: number;
}

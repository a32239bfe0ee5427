import type { Command } from "./command.ts";
import type { CacheStatus, Failure, ValueRef } from "./event.ts";
import type { ActionPhase, AttemptPhase, RunPhase } from "./phase.ts";

/**
 * What kind of step an action is. `start` and `end` are Flyte 1's start-node and end-node, `array` a map. A map's item
 * has the kind of what is mapped.
 */
export const ACTION_KINDS = ["start", "end", "task", "workflow", "branch", "gate", "array", "launch_plan"] as const;
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
  /** For a map's item: its index. Its ordinal is the map's ordinal + 1 + index. */
  readonly itemIndex: number | null;
  /** For a map: how many items it has. */
  readonly itemCount: number | null;
  /** The action whose inputs are also this one's: a map's item that picks its part of the whole by itself. */
  readonly inputsOrdinal: number | null;
  /** The action of the recovered run that stands at the same place. */
  readonly referenceOrdinal: number | null;
}

/** The mutable columns of an action, as they are after this advance. Times are epoch ms. */
export interface ActionState {
  readonly ordinal: number;
  readonly phase: ActionPhase;
  /** Attempts made so far; the current one is `attempts - 1`. */
  readonly attempts: number;
  /** An attempt after which the action was given more memory counts in neither number. */
  readonly userFailures: number;
  readonly systemFailures: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly failure: Failure | null;
  readonly cacheStatus: CacheStatus;
  /** Once known: the key under which the cache holds the outputs. */
  readonly cacheKey: string | null;
  /** Its outputs were taken over from the recovered run. */
  readonly isRecovered: boolean;
  /** Its task wrote a workflow instead of outputs. */
  readonly isExpanded: boolean;
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

/** A value that is the same as another one. The other is written in the same commit, an earlier one, or by the reference. */
export interface ValueCopy {
  readonly from: ValueRef;
  readonly to: ValueRef;
}

/** An action takes over the workflow that the task of the recovered run wrote. */
export interface ReusedExpansion {
  readonly ordinal: number;
  readonly referenceOrdinal: number;
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
  readonly copies: readonly ValueCopy[];
  readonly reusedExpansions: readonly ReusedExpansion[];
  readonly commands: readonly Command[];
  /** Events that changed nothing because they came late, twice, or for an attempt that is over. Counted in metrics. */
  readonly staleEvents: number;
}

import type { TimerKind } from "./event.ts";

/** Wishes, in the imperative; the scheduler carries them out after the transaction that recorded them. */
export type Command =
  /** Queue this attempt for an agent. Its inputs are recorded under (ordinal, inputs). */
  | { readonly type: "dispatchAttempt"; readonly ordinal: number; readonly attempt: number }
  | {
      readonly type: "setTimer";
      readonly ordinal: number;
      readonly attempt: number;
      readonly timer: TimerKind;
      /** Epoch ms. */
      readonly dueAtMs: number;
    }
  | { readonly type: "clearTimers"; readonly ordinal: number; readonly attempt: number }
  /** More children than one transaction takes are left to end or to begin: feed `continued` after the commit. */
  | { readonly type: "continue" }
  | { readonly type: "runErrand"; readonly errand: ErrandKind; readonly ordinal: number; readonly attempt: number }
  /** A gate waits: from now on its signal may be set. Id and type stand in the action's node. */
  | { readonly type: "openSignal"; readonly ordinal: number };

/**
 * Work that the scheduler does itself, outside the transaction that asked for it; it is a row until the event that tells
 * its outcome is applied, and doing it twice is harmless.
 *
 * - `check_cache`: compute the action's cache key and look it up, or wait for who computes it → `cacheChecked`.
 * - `launch_child`: start the run of a launch plan's action → `childEnded` when that ends, or at once if it cannot start.
 * - `abort_child`: ask the child run to abort → `childEnded`, at once if there is none.
 * - `gather_outputs`: put a map's outputs together → `outputsGathered` or `gatheringFailed`.
 */
export const ERRAND_KINDS = ["check_cache", "launch_child", "abort_child", "gather_outputs"] as const;
export type ErrandKind = (typeof ERRAND_KINDS)[number];

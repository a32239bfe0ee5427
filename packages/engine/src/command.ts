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
  /** More children than one transaction takes are left to end: feed `endingContinued` after the commit. */
  | { readonly type: "continueEnding" };

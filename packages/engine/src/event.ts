/** Who is to blame for a failure. USER failures spend the task's retries, SYSTEM failures a budget of their own. */
export type ErrorKind = "user" | "system";

/** Why an attempt, an action or a run failed: data, never an exception. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly kind: ErrorKind;
  /** Decided by who knows (flytekit, the runtime), never guessed from the message. */
  readonly recoverable: boolean;
}

/** Where a value's bytes are; the state of a run holds these and never literal bytes. */
export interface ValueRef {
  readonly ordinal: number;
  readonly side: "inputs" | "outputs";
  /** The value belongs to the run that this one recovers, not to the run itself. */
  readonly of?: "reference";
  /** Not the value itself but a literal in it that its task offloaded: a serialized `Literal` at this place of the store. */
  readonly uri?: string;
}

/** How the cache served an action (contract 6.7). `disabled`: its task is not cached. */
export const CACHE_STATUSES = [
  "disabled",
  "miss",
  "hit",
  "populated",
  "lookup_failure",
  "put_failure",
  "skipped",
  "evicted",
] as const;
export type CacheStatus = (typeof CACHE_STATUSES)[number];

interface OfAttempt {
  readonly ordinal: number;
  /** From 0. */
  readonly attempt: number;
}

/** Facts, in the past tense. Times come from outside: `atMs` is the wall clock when the fact was learnt (epoch ms). */
export type EngineEvent =
  | { readonly type: "runStarted"; readonly atMs: number }
  | { readonly type: "runAbortRequested"; readonly atMs: number; readonly cause: string; readonly principal: string }
  | ({ readonly type: "attemptStarted"; readonly atMs: number } & OfAttempt)
  /** The outputs' bytes are already in `values` under (ordinal, outputs) when this event is applied. */
  | ({ readonly type: "attemptSucceeded"; readonly atMs: number; readonly startedAtMs: number } & OfAttempt)
  /** The task wrote a workflow instead of outputs; its program is in `RunState.expansions` when this event is applied. */
  | ({ readonly type: "attemptExpanded"; readonly atMs: number; readonly startedAtMs: number } & OfAttempt)
  | ({
      readonly type: "attemptFailed";
      readonly atMs: number;
      readonly startedAtMs: number | null;
      readonly failure: Failure;
    } & OfAttempt)
  /** The agent that held the claim is gone, or says that it never started the attempt. A SYSTEM failure. */
  | ({ readonly type: "attemptLost"; readonly atMs: number; readonly message: string } & OfAttempt)
  /** The agent confirms that nothing of the attempt runs any more, after it was told to stop it. */
  | ({ readonly type: "attemptStopped"; readonly atMs: number } & OfAttempt)
  | ({
      readonly type: "timerFired";
      readonly atMs: number;
      readonly timer: TimerKind;
      /** For `queue`: what else is known of why the attempt has not begun. */
      readonly note?: string;
    } & OfAttempt)
  /** Asks for the next batch of children to end or of map items to begin, after a commit that left some. */
  | { readonly type: "continued"; readonly atMs: number }
  /** The errand `check_cache` is done. With `hit` the outputs are already in `values`. `key` is null after a lookup failure. */
  | {
      readonly type: "cacheChecked";
      readonly atMs: number;
      readonly ordinal: number;
      readonly status: Extract<CacheStatus, "hit" | "miss" | "skipped" | "lookup_failure">;
      readonly key: string | null;
    }
  /** The child run of a launch plan's action is over, or could not be launched. With `succeeded` its outputs are already in `values`. */
  | ({
      readonly type: "childEnded";
      readonly atMs: number;
      readonly phase: "succeeded" | "failed" | "aborted";
      readonly failure: Failure | null;
    } & OfAttempt)
  /** The errand `gather_outputs` is done: the outputs of the map are in `values`. */
  | { readonly type: "outputsGathered"; readonly atMs: number; readonly ordinal: number }
  /** The errand `gather_outputs` cannot be done. */
  | { readonly type: "gatheringFailed"; readonly atMs: number; readonly ordinal: number; readonly failure: Failure }
  /** Somebody answered a gate. A typed signal's value is already in `values` under (ordinal, outputs); `approved` is null for it. */
  | {
      readonly type: "signalSet";
      readonly atMs: number;
      readonly ordinal: number;
      readonly approved: boolean | null;
      readonly principal: string;
    };

/**
 * `deadline`: an attempt ran out of its time. `backoff`: a retry's waiting time is over. `wake`: a sleeping gate's time is
 * over. `queue`: an attempt waited too long for somebody to begin it. `total`: all attempts of an action together ran out
 * of their time; its attempt is `ALL_ATTEMPTS`.
 */
export const TIMER_KINDS = ["deadline", "backoff", "wake", "queue", "total"] as const;
export type TimerKind = (typeof TIMER_KINDS)[number];

/** In place of an attempt's number: the timer is for all attempts of its action. */
export const ALL_ATTEMPTS = -1;

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
}

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
  | ({ readonly type: "timerFired"; readonly atMs: number; readonly timer: TimerKind } & OfAttempt)
  /** Asks for the next batch of children to end, after a commit that left some (law 5). */
  | { readonly type: "endingContinued"; readonly atMs: number };

/** `deadline`: the attempt ran out of its time. `backoff`: a retry's waiting time is over. */
export type TimerKind = "deadline" | "backoff";

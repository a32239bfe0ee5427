import type { Caller } from "./auth/caller.ts";

/** What every handler of every transport knows about the call it serves. */
export interface Call {
  readonly caller: Caller;
  /** Names this call in logs and in messages of internal errors. */
  readonly correlationId: string;
  readonly signal: AbortSignal;
}

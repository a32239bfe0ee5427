import type { AttemptReport } from "@skein/contracts";
import type { EngineEvent } from "@skein/engine";

/** What a report says, in the engine's words. An agent's clock may be wrong: nothing of its past lies in our future. */
export function toEvent({ ordinal, attempt, outcome }: AttemptReport, nowMs: number): EngineEvent {
  const of = { ordinal, attempt, atMs: nowMs };
  switch (outcome.type) {
    case "started":
      return { type: "attemptStarted", ...of, atMs: Math.min(outcome.startedAtMs, nowMs) };
    case "succeeded":
      return { type: "attemptSucceeded", ...of, startedAtMs: Math.min(outcome.startedAtMs, nowMs) };
    case "failed": {
      const startedAtMs = outcome.startedAtMs === null ? null : Math.min(outcome.startedAtMs, nowMs);
      return { type: "attemptFailed", ...of, startedAtMs, failure: outcome.failure };
    }
    case "stopped":
      return { type: "attemptStopped", ...of };
    case "lost":
      return { type: "attemptLost", ...of, message: outcome.message };
  }
}

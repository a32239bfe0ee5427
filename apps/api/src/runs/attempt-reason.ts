import type { AttemptRow } from "@skein/db";

/** Why an attempt is where it is, for people. */
export function attemptReason(attempt: AttemptRow): string {
  const agent = attempt.agentId === null ? "an agent" : `agent ${attempt.agentId}`;
  switch (attempt.phase) {
    case "queued":
      return attempt.waitingReason ?? `waiting for a free agent of pool ${attempt.pool}`;
    case "running":
      return `running on ${agent}`;
    case "aborting":
      return `${agent} was told to stop it`;
    case "succeeded":
      return `succeeded on ${agent}`;
    case "failed":
      return attempt.errorMessage ?? "failed";
    case "aborted":
      return "aborted";
    default:
      return attempt.phase satisfies never;
  }
}

import { Code, ConnectError } from "@connectrpc/connect";
import type { ReportedFailure } from "@skein/contracts";
import { fitMessage } from "../task/verdict.ts";
import { FAILED_CODE } from "./resource-phase.ts";

/** Errors that say nothing of the task: the connector is not there, too slow, or does not know the agent yet. */
const AWAY: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Unauthenticated,
  Code.PermissionDenied,
]);

/** Whether asking again may help although nothing else changes. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  // Not the connector's words but the connection's, whatever code that was given; too large it stays.
  const isSaid = error.metadata.has("grpc-status");
  return AWAY.has(error.code) || (!isSaid && error.code !== Code.ResourceExhausted);
}

/** What keeps a connector from answering, in words for people. */
export const awayReason = (connector: string, error: unknown): string =>
  `The connector ${connector} does not answer, it is asked again: ${ConnectError.from(error).message}`;

/** The connector would not take a task: a retry of the task's own may fare better, as in Flyte. */
export const refusal = (error: unknown): ReportedFailure => ({
  code: FAILED_CODE,
  message: fitMessage(`failed to create task from connector with ${ConnectError.from(error).message}`),
  kind: "user",
  recoverable: true,
});

/** The connector, not the task, went wrong. */
export const connectorFailure = (message: string): ReportedFailure => ({
  code: "ConnectorFailed",
  message: fitMessage(message),
  kind: "system",
  recoverable: true,
});

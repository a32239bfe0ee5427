import type { AttemptReport } from "@skein/contracts";
import { type EngineEvent, type Failure, isTerminalAction, type RunState } from "@skein/engine";
import { toEvent } from "./read-report.ts";

/** What a task said that it wrote is not there, or not what it should be. A failure of the platform. */
export const OUTPUTS_NOT_FOUND = "OutputsNotFound";

/** Whether a report is about the attempt that its action makes now: a late one must lend it nothing. */
export function isCurrent(state: RunState, report: AttemptReport): boolean {
  const action = state.actions.get(report.ordinal);
  return action !== undefined && !isTerminalAction(action.phase) && action.attempts - 1 === report.attempt;
}

/** The same report as a failure, naming no objects. */
export function asFailure(
  report: AttemptReport,
  failure: Failure,
  nowMs: number,
): { readonly report: AttemptReport; readonly event: EngineEvent } {
  const { outcome } = report;
  if (outcome.type !== "succeeded" && outcome.type !== "failed") return { report, event: toEvent(report, nowMs) };
  const { startedAtMs, endedAtMs } = outcome;
  const refused: AttemptReport = { ...report, outcome: { type: "failed", startedAtMs, endedAtMs, failure } };
  return { report: refused, event: toEvent(refused, nowMs) };
}

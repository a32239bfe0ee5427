import type { ActionRow, AttemptRow } from "@skein/db";
import type { ActionPhase, RunPhase } from "@skein/engine";
import {
  NodeExecution_Phase as Node,
  TaskExecution_Phase as Task,
  WorkflowExecution_Phase as Workflow,
} from "@skein/idl/core";

/** Flyte numbers its phases differently on each level (contract 6.2). */
export const RUN_PHASE: Readonly<Record<RunPhase, Workflow>> = {
  queued: Workflow.QUEUED,
  running: Workflow.RUNNING,
  succeeded: Workflow.SUCCEEDED,
  failing: Workflow.FAILING,
  failed: Workflow.FAILED,
  aborting: Workflow.ABORTING,
  aborted: Workflow.ABORTED,
};

/** Flyte's nodes know no "aborting": they run until they are aborted. */
export const ACTION_PHASE: Readonly<Record<ActionPhase, Node>> = {
  queued: Node.QUEUED,
  running: Node.RUNNING,
  succeeded: Node.SUCCEEDED,
  failing: Node.FAILING,
  failed: Node.FAILED,
  aborting: Node.RUNNING,
  aborted: Node.ABORTED,
  skipped: Node.SKIPPED,
};

/** A failure after which another try came, or will come, is told apart from the last one. */
export function attemptPhase(attempt: AttemptRow, action: ActionRow): Task {
  switch (attempt.phase) {
    case "queued":
      return Task.QUEUED;
    case "running":
    case "aborting":
      return Task.RUNNING;
    case "succeeded":
      return Task.SUCCEEDED;
    case "aborted":
      return Task.ABORTED;
    case "failed": {
      const isLast = attempt.attempt === action.attempts - 1;
      const goesOn = action.phase === "queued" || action.phase === "running";
      return isLast && !goesOn ? Task.FAILED : Task.RETRYABLE_FAILED;
    }
    default:
      return attempt.phase satisfies never;
  }
}

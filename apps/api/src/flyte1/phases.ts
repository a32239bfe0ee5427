import type { ActionRow, AttemptRow } from "@skein/db";
import { ACTION_PHASES, type ActionPhase, type RunPhase, TOTAL_TIMEOUT } from "@skein/engine";
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
const ACTION_PHASE: Readonly<Record<ActionPhase, Node>> = {
  queued: Node.QUEUED,
  running: Node.RUNNING,
  succeeded: Node.SUCCEEDED,
  failing: Node.FAILING,
  failed: Node.FAILED,
  aborting: Node.RUNNING,
  aborted: Node.ABORTED,
  skipped: Node.SKIPPED,
};

/** The words for phases that filters of actions know: those of the rows, and three that tell them more precisely. */
export const SHOWN_ACTION_PHASES = [...ACTION_PHASES, "recovered", "expanded", "timed_out"] as const;
export type ShownActionPhase = (typeof SHOWN_ACTION_PHASES)[number];

export const SHOWN_ACTION_PHASE: Readonly<Record<ShownActionPhase, Node>> = {
  ...ACTION_PHASE,
  recovered: Node.RECOVERED,
  expanded: Node.DYNAMIC_RUNNING,
  timed_out: Node.TIMED_OUT,
};

/**
 * What was taken over from the recovered run, what runs the workflow that its task wrote, and what took too long in all have
 * phases of their own.
 */
export function actionPhase({ phase, kind, errorCode, isRecovered, isExpanded }: ActionRow): Node {
  if (isRecovered && phase === "succeeded") return SHOWN_ACTION_PHASE.recovered;
  if (isExpanded && phase === "running") return SHOWN_ACTION_PHASE.expanded;
  if (kind === "task" && phase === "failed" && errorCode === TOTAL_TIMEOUT) return SHOWN_ACTION_PHASE.timed_out;
  return ACTION_PHASE[phase];
}

/** The phase of an action that clients are shown as a task: a map, or one of its items. */
export const ACTION_AS_TASK_PHASE: Readonly<Record<ActionPhase, Task>> = {
  queued: Task.QUEUED,
  running: Task.RUNNING,
  succeeded: Task.SUCCEEDED,
  failing: Task.RUNNING,
  failed: Task.FAILED,
  aborting: Task.RUNNING,
  aborted: Task.ABORTED,
  skipped: Task.UNDEFINED,
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

import { invariant } from "@skein/errors";
import { at } from "./at.ts";
import type { EngineEvent, Failure, ValueRef } from "./event.ts";
import { completeFrame, endFrame, failAction, openFrame, settleFrame } from "./frames.ts";
import { abortTask, applyAttemptEvent, openTask } from "./kinds/task.ts";
import { abortWorkflow, openWorkflow } from "./kinds/workflow.ts";
import { isTerminalRun } from "./phase.ts";
import type { GraphNode, Program } from "./program.ts";
import type { ChangeRecorder } from "./recorder.ts";
import type { EnginePolicy } from "./retry.ts";
import { type ActionRecord, type Frame, graphOf, isClosed, type ReadyNode, type RunState } from "./state.ts";
import { addAction, missingValues, type Step, setRunPhase, type ValueSource } from "./step.ts";

/**
 * Applies events, in order, to a run and records what follows from them. Answers the values it needs to go on: load
 * them all, keep them in `values` and call again without events and with the same recorder until the answer is empty;
 * only then commit. Events that come late, twice or for something that is over change nothing. Its cost is
 * O(events + nodes touched).
 */
export function advance(
  run: RunState,
  program: Program,
  events: readonly EngineEvent[],
  values: ValueSource,
  policy: EnginePolicy,
  recorder: ChangeRecorder,
): readonly ValueRef[] {
  const step: Step = { run, program, values, policy, recorder, touched: new Set(), decoded: new Map() };
  for (const event of events) {
    run.nowMs = Math.max(run.nowMs, event.atMs);
    recorder.visitedNodes += 1;
    if (!apply(step, event)) recorder.staleEvents += 1;
  }
  return settle(step);
}

function apply(step: Step, event: EngineEvent): boolean {
  switch (event.type) {
    case "runStarted":
      return startRun(step);
    case "runAbortRequested":
      return abortRun(step, event.cause, event.principal);
    case "continued":
      return true;
    default:
      return applyAttemptEvent(step, event);
  }
}

function startRun(step: Step): boolean {
  const { run, program } = step;
  if (run.phase !== "queued") return false;
  setRunPhase(step, "running");
  run.root = openFrame(step, program.root, null);
  return true;
}

function abortRun(step: Step, abortCause: string, abortPrincipal: string): boolean {
  const { run } = step;
  if (isTerminalRun(run.phase) || run.phase === "aborting") return false;
  setRunPhase(step, "aborting", { abortCause, abortPrincipal });
  if (!run.root) setRunPhase(step, "aborted");
  else if (!run.root.isEnding) endFrame(step, run.root);
  return true;
}

/** Opens what is ready, ends what must end and closes what is over, until nothing follows any more. */
function settle(step: Step): readonly ValueRef[] {
  const { run, touched } = step;
  const needed = new Map<string, ValueRef>();
  const blocked: ReadyNode[] = [];
  do {
    const ready = run.ready;
    run.ready = [];
    for (const entry of ready) {
      const missing = openNode(step, entry);
      for (const ref of missing) needed.set(`${ref.ordinal}.${ref.side}`, ref);
      if (missing.length > 0) blocked.push(entry);
    }
    endActions(step);
    for (const frame of touched) {
      touched.delete(frame);
      settleFrame(step, frame);
    }
  } while (run.ready.length > 0 || canEndMore(step));
  run.ready = blocked;
  return [...needed.values()];
}

/** Gives a ready node its turn, or answers the values it waits for. */
function openNode(step: Step, { frame, node }: ReadyNode): readonly ValueRef[] {
  step.recorder.visitedNodes += 1;
  const missing = isClosed(frame) ? [] : missingValues(step, frame, node);
  if (missing.length > 0) return missing;
  frame.readyCount -= 1;
  if (isClosed(frame)) return [];
  const { target } = node;
  if (target.kind === "end") completeFrame(step, frame);
  else if (target.kind === "task") openTask(step, frame, node);
  else if (target.kind === "workflow") openWorkflow(step, frame, node, graphOf(step.program, target.graphKey));
  else refuse(step, frame, node);
  return [];
}

function refuse(step: Step, frame: Frame, node: GraphNode): void {
  invariant(node.target.kind === "unsupported", "start-node has its turn only when its frame opens");
  const message = node.target.reason;
  const failure: Failure = { code: "NotSupported", message, kind: "user", recoverable: false };
  failAction(step, addAction(step, frame, node, "task"), failure);
}

const canEndMore = ({ run, recorder, policy }: Step): boolean =>
  run.endedUpTo < run.toEnd.length && recorder.endedActions < policy.endingBatchMax;

function endActions(step: Step): void {
  const { run, recorder } = step;
  while (canEndMore(step)) {
    const action = at(run.toEnd, run.endedUpTo);
    run.endedUpTo += 1;
    recorder.visitedNodes += 1;
    if (endAction(step, action)) recorder.endedActions += 1;
  }
  recorder.hasMoreToEnd = run.endedUpTo < run.toEnd.length;
}

function endAction(step: Step, action: ActionRecord): boolean {
  if (action.endedAtMs !== null || action.phase === "aborting") return false;
  if (action.inner) abortWorkflow(step, action, action.inner);
  else abortTask(step, action);
  return true;
}

import { at } from "./at.ts";
import { abortFrame, endFrame } from "./ending.ts";
import type { EngineEvent, ValueRef } from "./event.ts";
import { openFrame, settleFrame } from "./frames.ts";
import { applyGathered } from "./kinds/array.ts";
import { abortGate, applyGateEvent } from "./kinds/gate.ts";
import { abortLaunchPlan, applyChildEvent } from "./kinds/launch-plan.ts";
import { abortTask, applyAttemptEvent, applyCacheChecked } from "./kinds/task.ts";
import { openNode } from "./open-node.ts";
import { admit, canAdmit, waitsForPlace } from "./parallelism.ts";
import { isTerminalRun } from "./phase.ts";
import type { Program } from "./program.ts";
import { type ChangeRecorder, refKey } from "./recorder.ts";
import type { EnginePolicy } from "./retry.ts";
import type { ActionRecord, ReadyNode, RunState } from "./state.ts";
import { type Step, setActionPhase, setRunPhase, type ValueSource } from "./step.ts";

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
  const step: Step = { run, values, policy, recorder, touched: new Set(), decoded: new Map() };
  for (const event of events) {
    run.nowMs = Math.max(run.nowMs, event.atMs);
    recorder.visitedNodes += 1;
    if (!apply(step, program, event)) recorder.staleEvents += 1;
  }
  return settle(step);
}

function apply(step: Step, program: Program, event: EngineEvent): boolean {
  switch (event.type) {
    case "runStarted":
      return startRun(step, program);
    case "runAbortRequested":
      return abortRun(step, event.cause, event.principal);
    case "continued":
      return goOn(step);
    case "cacheChecked":
      return applyCacheChecked(step, event);
    case "childEnded":
      return applyChildEvent(step, event);
    case "signalSet":
      return applyGateEvent(step, event);
    case "outputsGathered":
    case "gatheringFailed":
      return applyGathered(step, event);
    case "timerFired":
      return fire(step, event);
    default:
      return applyAttemptEvent(step, event);
  }
}

function startRun(step: Step, program: Program): boolean {
  const { run } = step;
  if (run.phase !== "queued") return false;
  setRunPhase(step, "running");
  run.root = openFrame(step, program, program.root, null);
  return true;
}

function abortRun(step: Step, abortCause: string, abortPrincipal: string): boolean {
  const { run } = step;
  if (isTerminalRun(run.phase) || run.phase === "aborting") return false;
  setRunPhase(step, "aborting", { abortCause, abortPrincipal });
  if (!run.root) setRunPhase(step, "aborted");
  else if (run.root.stage !== "ending") endFrame(step, run.root);
  return true;
}

function goOn({ run, touched }: Step): boolean {
  for (const frame of run.toFill) touched.add(frame);
  return true;
}

function fire(step: Step, event: Extract<EngineEvent, { type: "timerFired" }>): boolean {
  const kind = step.run.actions.get(event.ordinal)?.kind;
  if (kind === "gate") return applyGateEvent(step, event);
  if (kind === "launch_plan") return applyChildEvent(step, event);
  return applyAttemptEvent(step, event);
}

/** Opens what is ready, ends what must end and closes what is over, until nothing follows any more. */
function settle(step: Step): readonly ValueRef[] {
  const { run, touched, recorder } = step;
  const needed = new Map<string, ValueRef>();
  const blocked: ReadyNode[] = [];
  do {
    admit(run);
    const ready = run.ready;
    run.ready = [];
    for (const entry of ready) {
      const missing = openNode(step, entry);
      for (const ref of missing) needed.set(refKey(ref), ref);
      if (missing.length > 0) blocked.push(entry);
    }
    endActions(step);
    for (const frame of touched) {
      touched.delete(frame);
      settleFrame(step, frame);
    }
  } while (run.ready.length > 0 || canEndMore(step) || canAdmit(run));
  run.ready = blocked;
  recorder.hasMore = run.endedUpTo < run.toEnd.length || run.toFill.size > 0;
  return [...needed.values()];
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
}

/** Ends an action because what it is a part of ends. False for one that is over or ending already. */
function endAction(step: Step, action: ActionRecord): boolean {
  // What is failing already is left to fail.
  if (action.endedAtMs !== null || action.phase === "aborting" || action.inner?.stage === "ending") return false;
  if (action.inner) abortFrame(step, action, action.inner);
  else if (waitsForPlace(action)) setActionPhase(step, action, "aborted");
  else if (action.kind === "gate") abortGate(step, action);
  else if (action.kind === "launch_plan") abortLaunchPlan(step, action);
  else abortTask(step, action);
  return true;
}

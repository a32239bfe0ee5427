import { invariant } from "@skein/errors";
import type { Failure, ValueRef } from "./event.ts";
import { mayRun } from "./frame.ts";
import { completeFrame, failAction, succeedAction } from "./frames.ts";
import { openArray } from "./kinds/array.ts";
import { openBranch } from "./kinds/branch.ts";
import { openGate } from "./kinds/gate.ts";
import { kindOf } from "./kinds/kind-of.ts";
import { openLaunchPlan } from "./kinds/launch-plan.ts";
import { openTask } from "./kinds/task.ts";
import { openWorkflow } from "./kinds/workflow.ts";
import { getInLine, leavePlace, mustWait, needsPlace } from "./parallelism.ts";
import type { ReferenceAction } from "./reference.ts";
import type { ReadyNode } from "./state.ts";
import { addAction, findReference, missingValues, type Step, setActionPhase } from "./step.ts";

/** Gives a ready node its turn, or answers the values it waits for. One for which the run has no place gets in line. */
export function openNode(step: Step, place: ReadyNode): readonly ValueRef[] {
  step.recorder.visitedNodes += 1;
  const { frame, node } = place;
  const isOpen = mayRun(frame, node);
  const reference = isOpen ? findDone(step, place) : undefined;
  const isWaiting = isOpen && !reference && getsInLine(step, place);
  const isBound = isWaiting || (place.action?.itemCount ?? null) !== null;
  const missing = isOpen && !reference && !isBound ? missingValues(step, place) : [];
  if (missing.length > 0) return missing;
  frame.readyCount -= 1;
  if (reference) recover(step, place, reference);
  else if (isWaiting) getInLine(step.run, addAction(step, place, kindOf(node.target)));
  else if (isOpen) open(step, place);
  else passOver(step, place);
  return [];
}

/** A node whose turn comes too late: it may have been the last thing that an ending frame waited for. */
function passOver({ run, touched }: Step, { frame, action }: ReadyNode): void {
  if (action) leavePlace(run, action);
  touched.add(frame);
}

/** A map gets in line later: once it knows its items, because their ordinals follow its own. */
const getsInLine = ({ run }: Step, { frame, node: { target }, action }: ReadyNode): boolean =>
  !action && target.kind !== "array" && needsPlace(run, frame, kindOf(target)) && mustWait(run);

function open(step: Step, place: ReadyNode): void {
  const { frame, node } = place;
  const { target } = node;
  switch (target.kind) {
    case "end":
      invariant(frame.kind === "graph", "an end-node is a part of a workflow");
      completeFrame(step, frame);
      break;
    case "task":
      openTask(step, place);
      break;
    case "workflow":
      openWorkflow(step, place, target.graphKey);
      break;
    case "branch":
      openBranch(step, place, target);
      break;
    case "gate":
      openGate(step, place, target.gate);
      break;
    case "array":
      openArray(step, place, target.array);
      break;
    case "launchPlan":
      openLaunchPlan(step, place);
      break;
    default:
      invariant(target.kind === "unsupported", "start-node has its turn only when its frame opens");
      refuse(step, place, target.reason);
  }
}

function refuse(step: Step, place: ReadyNode, message: string): void {
  const failure: Failure = { code: "NotSupported", message, kind: "user", recoverable: false };
  failAction(step, addAction(step, place, "task"), failure);
}

/** What the recovered run has finished at this place. */
function findDone({ run }: Step, place: ReadyNode): ReferenceAction | undefined {
  if (place.node.target.kind === "end") return undefined;
  const reference = findReference(run, place);
  return reference?.phase === "succeeded" ? reference : undefined;
}

/** Takes the outcome over from the recovered run instead of doing it again. */
function recover(step: Step, place: ReadyNode, { ordinal }: ReferenceAction): void {
  const action = addAction(step, place, kindOf(place.node.target));
  for (const side of ["inputs", "outputs"] as const) {
    step.recorder.copyValue({ ordinal, side, of: "reference" }, { ordinal: action.ordinal, side });
  }
  action.isRecovered = true;
  setActionPhase(step, action, "running");
  succeedAction(step, action);
}

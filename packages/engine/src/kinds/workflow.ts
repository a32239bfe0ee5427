import { endFrame, failAction, openFrame } from "../frames.ts";
import type { Graph, GraphNode } from "../program.ts";
import type { ActionRecord, Frame } from "../state.ts";
import { addAction, bindNode, type Step, setActionPhase } from "../step.ts";

/** A sub-workflow's turn: its inputs are recorded and its own nodes begin. */
export function openWorkflow(step: Step, frame: Frame, node: GraphNode, graph: Graph): void {
  const action = addAction(step, frame, node, "workflow");
  const bound = bindNode(step, frame, node);
  if ("failure" in bound) {
    failAction(step, action, bound.failure);
    return;
  }
  step.recorder.writeValue({ ordinal: action.ordinal, side: "inputs", bytes: bound.bytes });
  setActionPhase(step, action, "running");
  action.inner = openFrame(step, graph, action);
}

/** Ends a sub-workflow because the workflow around it ends. One that is failing already is left to fail. */
export function abortWorkflow(step: Step, action: ActionRecord, inner: Frame): void {
  if (inner.isEnding) return;
  setActionPhase(step, action, "aborting");
  endFrame(step, inner);
}

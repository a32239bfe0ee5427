import { graphFrameOf } from "../frame.ts";
import { openFrame } from "../frames.ts";
import { graphOf, type ReadyNode } from "../state.ts";
import { addAction, type Step, setActionPhase } from "../step.ts";
import { takeInputs } from "../take-inputs.ts";

/** A sub-workflow's turn: its inputs are recorded and its own nodes begin. */
export function openWorkflow(step: Step, place: ReadyNode, graphKey: string): void {
  const action = addAction(step, place, "workflow");
  if (!takeInputs(step, action)) return;
  setActionPhase(step, action, "running");
  const { program } = graphFrameOf(place.frame);
  action.inner = openFrame(step, program, graphOf(program, graphKey), action);
}

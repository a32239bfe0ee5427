import type { Frame } from "./frame.ts";
import { type ActionRecord, actionAt } from "./state.ts";
import { type Step, setActionPhase } from "./step.ts";

/** From here on nothing starts in the frame; its live actions are ended in batches. */
export function endFrame({ run, recorder, touched }: Step, frame: Frame): void {
  frame.stage = "ending";
  if (frame.kind === "array") run.toFill.delete(frame);
  for (const ordinal of frame.live) {
    recorder.visitedNodes += 1;
    run.toEnd.push(actionAt(run, ordinal));
  }
  touched.add(frame);
}

/** Ends an action that stands for others, and those with it. */
export function abortFrame(step: Step, action: ActionRecord, inner: Frame): void {
  setActionPhase(step, action, "aborting");
  endFrame(step, inner);
}

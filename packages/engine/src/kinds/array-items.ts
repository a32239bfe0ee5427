import { endFrame } from "../ending.ts";
import type { Failure } from "../event.ts";
import { type ArrayFrame, isClosed } from "../frame.ts";
import type { ArraySpec } from "../program.ts";
import type { EnginePolicy } from "../retry.ts";
import type { ActionRecord } from "../state.ts";
import { type Step, setActionPhase } from "../step.ts";

/** How many items must succeed; as Flyte does, a part of an item counts as one. */
export function successesNeeded({ minSuccesses, minSuccessRatio }: ArraySpec, size: number): number {
  if (minSuccesses !== null) return minSuccesses;
  // The ratio is a 32-bit float: 0.1 of 10 is one, not two.
  return minSuccessRatio === null ? size : Math.ceil(Number((minSuccessRatio * size).toFixed(4)));
}

/** Counts a failed item; once too few can succeed, the map fails and its other items are ended. */
export function failItem(step: Step, frame: ArrayFrame, item: ActionRecord, failure: Failure): void {
  const { owner, spec, size } = frame;
  frame.failures += 1;
  const needed = successesNeeded(spec, size);
  if (size - frame.failures >= needed) return;
  const counted = frame.failures === 1 ? "" : `; ${frame.failures} failed so far`;
  const demand = needed === size ? "all must succeed" : `${needed} must succeed`;
  const message = `Item ${item.itemIndex} of ${size} failed (${demand}${counted}): ${failure.message}`;
  setActionPhase(step, owner, "failing", { ...failure, message });
  endFrame(step, frame);
}

/** How many items of a map may be open at once. */
export const windowOf = ({ spec }: ArrayFrame, { mapWindow }: EnginePolicy): number =>
  spec.parallelism > 0 ? spec.parallelism : mapWindow;

/** Opens further items while there is room, and has the outputs gathered once all are over. */
export function settleArray({ run, recorder, policy }: Step, frame: ArrayFrame): void {
  const { owner, spec, size, live } = frame;
  run.toFill.delete(frame);
  if (isClosed(frame) || frame.isGathering) return;
  const window = windowOf(frame, policy);
  while (frame.next < size && live.size + frame.readyCount < window) {
    if (recorder.openedItems >= policy.openingBatchMax) {
      run.toFill.add(frame);
      return;
    }
    run.ready.push({ frame, node: spec.node, item: frame.next });
    frame.next += 1;
    frame.readyCount += 1;
    recorder.openedItems += 1;
  }
  if (frame.next < size || live.size + frame.readyCount > 0) return;
  frame.isGathering = true;
  recorder.runErrand("gather_outputs", owner.ordinal, 0);
}

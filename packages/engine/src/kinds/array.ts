import { invariant } from "@skein/errors";
import type { EngineEvent } from "../event.ts";
import { isCutOff, newArrayFrame } from "../frame.ts";
import { failAction, succeedAction } from "../frames.ts";
import { sliceInputs } from "../literal/slice.ts";
import { getInLine, mustWait, needsPlace } from "../parallelism.ts";
import type { ArraySpec } from "../program.ts";
import type { ActionRecord, ReadyNode } from "../state.ts";
import { addAction, type Step, setActionPhase } from "../step.ts";
import { takeInputs } from "../take-inputs.ts";

/** A map's turn: its inputs are recorded, its items get a block of ordinals, and the first ones begin. */
export function openArray(step: Step, place: ReadyNode, spec: ArraySpec): void {
  if (place.action) {
    const { itemCount } = place.action;
    invariant(itemCount !== null, "a map that waited for a place knows its items");
    begin(step, place.action, itemCount);
    return;
  }
  const { run } = step;
  const mayBegin = !needsPlace(run, place.frame, "array") || !mustWait(run);
  const action = addAction(step, place, "array");
  const bytes = takeInputs(step, action);
  if (!bytes) return;
  const slices = sliceInputs(bytes, spec);
  if ("failure" in slices) {
    failAction(step, action, slices.failure);
    return;
  }
  action.itemCount = slices.count;
  run.nextOrdinal += slices.count;
  if (mayBegin) begin(step, action, slices.count);
  else getInLine(run, action);
}

function begin(step: Step, action: ActionRecord, count: number): void {
  setActionPhase(step, action, "running");
  const inner = newArrayFrame(action, count);
  action.inner = inner;
  step.touched.add(inner);
}

type GatherEvent = Extract<EngineEvent, { type: "outputsGathered" | "gatheringFailed" }>;

/** Applies the outcome of `gather_outputs`; false when nobody waits for it. */
export function applyGathered(step: Step, event: GatherEvent): boolean {
  const action = step.run.actions.get(event.ordinal);
  if (action?.inner?.kind !== "array" || !action.inner.isGathering || isCutOff(action)) return false;
  action.inner.stage = "over";
  if (event.type === "outputsGathered") succeedAction(step, action);
  else failAction(step, action, event.failure);
  return true;
}

import { invariant } from "@skein/errors";
import { isHandler } from "./frame.ts";
import { failAction } from "./frames.ts";
import type { BindResult } from "./literal/bind.ts";
import { withError } from "./literal/error-input.ts";
import { sliceInputs } from "./literal/slice.ts";
import type { ActionRecord } from "./state.ts";
import { bindNode, findValue, type Step } from "./step.ts";

const NONE = new Uint8Array();

/**
 * Records the inputs of a new action and answers them; undefined when they cannot be put together, and the action has
 * failed. A map's item that shares the inputs of its map has none of its own: empty then.
 */
export function takeInputs(step: Step, action: ActionRecord): Uint8Array | undefined {
  if (action.inputsOrdinal !== null) return NONE;
  const result = inputsOf(step, action);
  if ("failure" in result) {
    failAction(step, action, result.failure);
    return undefined;
  }
  step.recorder.writeValue({ ordinal: action.ordinal, side: "inputs", bytes: result.bytes });
  return result.bytes;
}

function inputsOf(step: Step, { frame, node, itemIndex }: ActionRecord): BindResult {
  if (frame.kind === "array") {
    const bytes = findValue(step, { ordinal: frame.owner.ordinal, side: "inputs" });
    invariant(bytes && itemIndex !== null, "the inputs of a map are there before its items open");
    const slices = sliceInputs(bytes, frame.spec);
    invariant("count" in slices, "the inputs of a map were cut before its items open");
    return { bytes: slices.itemInputs(itemIndex) };
  }
  const bound = bindNode(step, frame, node);
  if ("failure" in bound || !isHandler(frame, node) || frame.kind !== "graph") return bound;
  const failure = (frame.owner ?? step.run).failure;
  invariant(failure, "a workflow that is handled says why it is failing");
  return { bytes: withError(bound.bytes, node.errorInputs, failure.message, frame.failedAction?.node.id ?? "") };
}

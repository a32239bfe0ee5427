import type { GateNode } from "@skein/idl/core";
import type { NodeTarget } from "../program.ts";
import { toMs } from "./limits.ts";

/** A gate: a pause, a question for a yes, or a question for a value. */
export function readGate({ condition }: GateNode): NodeTarget {
  switch (condition.case) {
    case "sleep":
      return { kind: "gate", gate: { type: "sleep", durationMs: toMs(condition.value.duration) } };
    case "approve":
      return { kind: "gate", gate: { type: "approve", signalId: condition.value.signalId } };
    case "signal": {
      const { signalId, type = null, outputVariableName: outputName } = condition.value;
      return { kind: "gate", gate: { type: "signal", signalId, valueType: type, outputName } };
    }
    default:
      condition.case satisfies undefined;
      return { kind: "unsupported", reason: "The gate does not say what it waits for." };
  }
}

import { type ArrayNode, ArrayNode_DataMode } from "@skein/idl/core";
import type { NodeTarget } from "../program.ts";
import { interfaceOf } from "./node-types.ts";
import type { ReadScope } from "./read-scope.ts";

const MAPPED_KINDS: ReadonlySet<NodeTarget["kind"]> = new Set(["task", "workflow", "launchPlan"]);

/** Whether a task reads its part out of the whole by itself: what starts no user code cannot. */
const picksItsItem = (target: NodeTarget): boolean => target.kind === "task" && target.task.orderKind !== "echo";

/** A map over lists. What it maps must run by itself: a task, a workflow or a launch plan. */
export function readArray(array: ArrayNode, scope: ReadScope): NodeTarget {
  if (!array.node) return { kind: "unsupported", reason: "The map does not say what it maps." };
  const node = scope.readInner({ ...array.node, inputs: [] });
  const { target } = node;
  if (target.kind === "unsupported") return target;
  if (!MAPPED_KINDS.has(target.kind)) return { kind: "unsupported", reason: `A ${target.kind} cannot be mapped.` };
  const { parallelismOption, successCriteria } = array;
  return {
    kind: "array",
    array: {
      node,
      parallelism: parallelismOption.case === "parallelism" ? parallelismOption.value : 0,
      minSuccesses: successCriteria.case === "minSuccesses" ? successCriteria.value : null,
      minSuccessRatio: successCriteria.case === "minSuccessRatio" ? successCriteria.value : null,
      boundInputs: new Set(array.boundInputs),
      isSplit: array.dataMode === ArrayNode_DataMode.INDIVIDUAL_INPUT_FILES || !picksItsItem(target),
      outputNames: Object.keys(interfaceOf(target, scope)?.outputs?.variables ?? {}).sort(),
    },
  };
}

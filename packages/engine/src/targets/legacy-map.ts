import type { Node, TaskTemplate } from "@skein/idl/core";
import type { NodeTarget } from "../program.ts";
import { interfaceOf } from "./node-types.ts";
import type { ReadScope } from "./read-scope.ts";

type TaskTarget = Extract<NodeTarget, { kind: "task" }>;

/** What flytekit before 1.11 makes of `map_task`: a task that stands for all items, each of which picks its part. */
const LEGACY_MAP_TYPE = "container_array";

export const isLegacyMap = ({ task }: TaskTarget): boolean => task.template.type === LEGACY_MAP_TYPE;

/** The same as a map of today. */
export function readLegacyMap(node: Node, target: TaskTarget, scope: ReadScope): NodeTarget {
  const { template } = target.task;
  const { parallelism, minSuccesses, minSuccessRatio } = template.custom ?? {};
  return {
    kind: "array",
    array: {
      node: scope.readMapped({ ...node, inputs: [] }, target),
      parallelism: Number(parallelism ?? 0) || 0,
      minSuccesses: Number(minSuccesses ?? 0) || null,
      minSuccessRatio: Number(minSuccessRatio ?? 0) || null,
      boundInputs: boundInputs(template),
      isSplit: false,
      outputNames: Object.keys(interfaceOf(target, scope)?.outputs?.variables ?? {}).sort(),
    },
  };
}

/** flytekit names them in the arguments that load the task: `-- vars a,b resolver …`. */
function boundInputs({ target }: TaskTemplate): ReadonlySet<string> {
  const args = target.case === "container" ? target.value.args : [];
  const at = args.indexOf("--");
  const names = at >= 0 && args[at + 1] === "vars" ? args[at + 2] : undefined;
  return new Set(names?.split(",").filter((name) => name !== ""));
}

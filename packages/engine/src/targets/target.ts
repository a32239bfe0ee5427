import type { Node } from "@skein/idl/core";
import { entityKey } from "../entity-key.ts";
import type { NodeTarget } from "../program.ts";
import { readArray } from "./array.ts";
import { askedResources } from "./asked-resources.ts";
import { readBranch } from "./branch.ts";
import { readGate } from "./gate.ts";
import { isLegacyMap, readLegacyMap } from "./legacy-map.ts";
import type { ReadScope } from "./read-scope.ts";
import { taskMemory } from "./task-memory.ts";

/**
 * What a node does. A node that refers to something the closure does not hold, or that contradicts itself, becomes
 * `unsupported`, so that its run fails with a reason instead of breaking the caller.
 */
export function readTarget(node: Node, scope: ReadScope): NodeTarget {
  const { target } = node;
  switch (target.case) {
    case "taskNode": {
      const read = readReference(target.value.reference, scope);
      if (read.kind !== "task") return read;
      const asks = askedResources(read.task.template, target.value.overrides?.resources);
      const memory = taskMemory(read.task.template, target.value.overrides?.resources);
      const task = { ...read, ...(asks ? { asks } : {}), ...(memory ? { memory } : {}) };
      return isLegacyMap(task) ? readLegacyMap(node, task, scope) : task;
    }
    case "workflowNode":
      return readReference(target.value.reference, scope);
    case "branchNode":
      return readBranch(target.value, scope);
    case "gateNode":
      return readGate(target.value);
    case "arrayNode":
      return readArray(target.value, scope);
    default:
      target.case satisfies undefined;
      return { kind: "unsupported", reason: "The node does not say what it runs." };
  }
}

type Reference = Extract<Node["target"], { case: "taskNode" | "workflowNode" }>["value"]["reference"];

function readReference(reference: Reference, { tasks, workflows }: ReadScope): NodeTarget {
  if (reference.case === undefined) return { kind: "unsupported", reason: "The node does not say what it runs." };
  const key = entityKey(reference.value);
  if (reference.case === "launchplanRef") return { kind: "launchPlan", id: reference.value };
  if (reference.case === "subWorkflowRef") {
    if (workflows.has(key)) return { kind: "workflow", graphKey: key };
    return { kind: "unsupported", reason: `Workflow ${key} is not in the compiled workflow.` };
  }
  const task = tasks.get(key);
  if (task) return { kind: "task", task };
  return { kind: "unsupported", reason: `Task ${key} is not in the compiled workflow.` };
}

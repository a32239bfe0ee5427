import type { BindingData, Node } from "@skein/idl/core";
import { branchTargets } from "../compile/walk-nodes.ts";
import { START_NODE_ID } from "../system-nodes.ts";

/** Ids of the nodes whose values a node's bindings read, each once. The empty id stands for the workflow's own inputs. */
export function producersOf(node: Node): string[] {
  const ids = new Set<string>();
  const collect = (data: BindingData): void => {
    if (data.value.case === "promise") ids.add(data.value.value.nodeId || START_NODE_ID);
    else if (data.value.case === "collection") data.value.value.bindings.forEach(collect);
    else if (data.value.case === "map") Object.values(data.value.value.bindings).forEach(collect);
  };
  for (const { binding } of node.inputs) if (binding) collect(binding);
  return [...ids];
}

/** Values that a node's bindings look into: through an attribute path, or, for a map, at the elements of a list. */
export function valuesLookedInto({ inputs, target }: Node): { nodeId: string; variable: string }[] {
  const found: { nodeId: string; variable: string }[] = [];
  const collect = (data: BindingData): void => {
    const { value } = data;
    if (value.case === "collection") value.value.bindings.forEach(collect);
    else if (value.case === "map") Object.values(value.value.bindings).forEach(collect);
    else if (value.case === "promise" && (value.value.attrPath.length > 0 || target.case === "arrayNode"))
      found.push({ nodeId: value.value.nodeId || START_NODE_ID, variable: value.value.var });
  };
  for (const { binding } of inputs) if (binding) collect(binding);
  return found;
}

/** Ids of the nodes that a branch's inner nodes wait for, at any depth. Those of other inner nodes may be among them. */
export function upstreamOfInner({ target }: Node): string[] {
  if (target.case !== "branchNode") return [];
  return branchTargets(target.value).flatMap((inner) => [
    ...producersOf(inner),
    ...inner.upstreamNodeIds,
    ...upstreamOfInner(inner),
  ]);
}

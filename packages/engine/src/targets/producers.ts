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

/** Ids of the nodes that a branch's inner nodes wait for, at any depth. Those of other inner nodes may be among them. */
export function upstreamOfInner({ target }: Node): string[] {
  if (target.case !== "branchNode") return [];
  return branchTargets(target.value).flatMap((inner) => [
    ...producersOf(inner),
    ...inner.upstreamNodeIds,
    ...upstreamOfInner(inner),
  ]);
}

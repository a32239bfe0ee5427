import type { Binding, BindingData, BranchNode, IfBlock, Node } from "@skein/idl/core";
import { START_NODE_ID } from "../system-nodes.ts";

/** A promise of node "" means the workflow's own input, which the start-node hands out. */
function prepareData(data: BindingData): BindingData {
  const { value } = data;
  switch (value.case) {
    case "promise":
      if (value.value.nodeId !== "") return data;
      return { ...data, value: { case: "promise", value: { ...value.value, nodeId: START_NODE_ID } } };
    case "collection": {
      const bindings = value.value.bindings.map(prepareData);
      return { ...data, value: { case: "collection", value: { ...value.value, bindings } } };
    }
    case "map": {
      const entries = Object.entries(value.value.bindings).map(([key, inner]) => [key, prepareData(inner)] as const);
      return { ...data, value: { case: "map", value: { ...value.value, bindings: Object.fromEntries(entries) } } };
    }
    default:
      return data;
  }
}

/** Bindings as the compiled workflow holds them. The given ones stay as they are. */
export const prepareBindings = (bindings: readonly Binding[]): Binding[] =>
  bindings.map((binding) => (binding.binding ? { ...binding, binding: prepareData(binding.binding) } : binding));

function prepareBranch(branch: BranchNode, branchId: string): BranchNode {
  const { ifElse } = branch;
  if (!ifElse) return branch;
  const inner = (node: Node): Node => prepareNode(node, `${branchId}-${node.id}`);
  const block = (given: IfBlock): IfBlock => (given.thenNode ? { ...given, thenNode: inner(given.thenNode) } : given);
  const otherwise = ifElse.default;
  return {
    ...branch,
    ifElse: {
      ...ifElse,
      ...(ifElse.case ? { case: block(ifElse.case) } : {}),
      other: ifElse.other.map(block),
      default: otherwise.case === "elseNode" ? { case: "elseNode", value: inner(otherwise.value) } : otherwise,
    },
  };
}

function prepareTarget(target: Node["target"], id: string): Node["target"] {
  if (target.case === "branchNode") return { case: "branchNode", value: prepareBranch(target.value, id) };
  if (target.case === "arrayNode" && target.value.node) {
    return {
      case: "arrayNode",
      value: { ...target.value, node: prepareNode(target.value.node, target.value.node.id) },
    };
  }
  return target;
}

/**
 * A node as the compiled workflow holds it: its id, sorted upstream ids, workflow inputs as promises of the start-node,
 * and a branch's inner nodes named `<branch>-<inner>` so that ids are unique in the workflow.
 */
export const prepareNode = (node: Node, id: string): Node => ({
  ...node,
  id,
  inputs: prepareBindings(node.inputs),
  upstreamNodeIds: [...node.upstreamNodeIds].sort(),
  target: prepareTarget(node.target, id),
});

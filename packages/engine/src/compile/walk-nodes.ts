import type { BranchNode, Node, WorkflowTemplate } from "@skein/idl/core";

/** The nodes that a branch may run: those of its cases in order, then the else node. */
export function branchTargets(branch: BranchNode): Node[] {
  const { ifElse } = branch;
  if (!ifElse) return [];
  const blocks = [...(ifElse.case ? [ifElse.case] : []), ...ifElse.other];
  const targets = blocks.flatMap(({ thenNode }) => (thenNode ? [thenNode] : []));
  return ifElse.default.case === "elseNode" ? [...targets, ifElse.default.value] : targets;
}

/** Calls `visit` with every node of a template: branches' and array nodes' inner nodes and the failure node too. */
export function walkNodes(template: WorkflowTemplate, visit: (node: Node) => void): void {
  const walk = (node: Node): void => {
    visit(node);
    const { target } = node;
    if (target.case === "branchNode") for (const inner of branchTargets(target.value)) walk(inner);
    if (target.case === "arrayNode" && target.value.node) walk(target.value.node);
  };
  for (const node of template.nodes) walk(node);
  if (template.failureNode) walk(template.failureNode);
}

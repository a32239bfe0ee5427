import type { Binding, BranchNode, DynamicJobSpec, Node, TaskTemplate } from "@skein/idl/core";
import { rewriteBinding, type UriRewrite } from "./literal-uris.ts";

/**
 * Frees a workflow that a task wrote from the folders of the attempt that wrote it: its nodes run elsewhere. `work` is
 * where the task's code was put, if that was a folder of the attempt; the code of what it wrote goes wherever that runs.
 */
export function makePortable(spec: DynamicJobSpec, rewrite: UriRewrite, work: string | undefined): void {
  const rewriteAll = (bindings: readonly Binding[]): void => {
    for (const { binding } of bindings) rewriteBinding(binding, rewrite);
  };
  const visit = (node: Node): void => {
    rewriteAll(node.inputs);
    for (const inner of innerNodes(node)) visit(inner);
  };
  for (const node of spec.nodes) visit(node);
  rewriteAll(spec.outputs);
  for (const workflow of spec.subworkflows) {
    for (const node of workflow.nodes) visit(node);
    if (workflow.failureNode) visit(workflow.failureNode);
    rewriteAll(workflow.outputs);
  }
  if (work === undefined) return;
  for (const task of spec.tasks) freeCode(task, work);
}

function innerNodes({ target }: Node): Node[] {
  if (target.case === "branchNode") return choicesOf(target.value);
  return target.case === "arrayNode" && target.value.node ? [target.value.node] : [];
}

function choicesOf({ ifElse }: BranchNode): Node[] {
  const blocks = ifElse?.case ? [ifElse.case, ...ifElse.other] : [];
  const chosen = blocks.flatMap(({ thenNode }) => thenNode ?? []);
  return ifElse?.default.case === "elseNode" ? [...chosen, ifElse.default.value] : chosen;
}

/** flytekit's word for the folder where code goes, unless told: the agent that runs the task puts its own there. */
const ANYWHERE = ".";

function freeCode({ target }: TaskTemplate, work: string): void {
  if (target.case !== "container") return;
  const free = (words: readonly string[]) => words.map((word) => (word === work ? ANYWHERE : word));
  target.value.command = free(target.value.command);
  target.value.args = free(target.value.args);
}

import { fromBytes } from "@skein/idl";
import { LiteralMapSchema } from "@skein/idl/core";
import { newBranchFrame } from "../frame.ts";
import { failAction } from "../frames.ts";
import type { BranchCase, BranchElse, GraphNode } from "../program.ts";
import type { ActionRecord, ReadyNode } from "../state.ts";
import { addAction, type Step, setActionPhase } from "../step.ts";
import { takeInputs } from "../take-inputs.ts";
import { chooseCase } from "./condition.ts";
import { kindOf } from "./kind-of.ts";

interface Branch {
  readonly cases: readonly BranchCase[];
  readonly otherwise: BranchElse | null;
}

/** A branch's turn: its conditions choose one node, which is next; the others are skipped. */
export function openBranch(step: Step, place: ReadyNode, branch: Branch): void {
  const action = addAction(step, place, "branch");
  const bytes = takeInputs(step, action);
  if (!bytes) return;
  const choice = chooseCase(branch, fromBytes(LiteralMapSchema, bytes));
  if ("failure" in choice) {
    failAction(step, action, choice.failure);
    return;
  }
  setActionPhase(step, action, "running");
  openChosen(step, action, choice.node, nodesOf(branch));
}

function nodesOf({ cases, otherwise }: Branch): GraphNode[] {
  const nodes = cases.map(({ node }) => node);
  return otherwise?.type === "node" ? [...nodes, otherwise.node] : nodes;
}

function openChosen(step: Step, action: ActionRecord, chosen: GraphNode, nodes: readonly GraphNode[]): void {
  const frame = newBranchFrame(action);
  action.inner = frame;
  for (const node of nodes) {
    if (node !== chosen) {
      setActionPhase(step, addAction(step, { frame, node, item: null }, kindOf(node.target)), "skipped");
    }
  }
  frame.readyCount += 1;
  step.run.ready.push({ frame, node: chosen, item: null });
}

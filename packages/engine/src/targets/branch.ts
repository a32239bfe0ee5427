import type { BranchNode, IfBlock } from "@skein/idl/core";
import type { BranchCase, BranchElse, NodeTarget } from "../program.ts";
import type { ReadScope } from "./read-scope.ts";

/** A branch with the nodes it chooses from. */
export function readBranch({ ifElse }: BranchNode, scope: ReadScope): NodeTarget {
  const readCase = ({ condition, thenNode }: IfBlock): BranchCase[] =>
    condition && thenNode ? [{ condition, node: scope.readInner(thenNode) }] : [];
  const blocks = ifElse?.case ? [ifElse.case, ...ifElse.other] : [];
  const cases = blocks.flatMap(readCase);
  if (!ifElse || cases.length === 0 || cases.length < blocks.length)
    return { kind: "unsupported", reason: "One of the cases of the branch has no condition or no node." };
  return { kind: "branch", cases, otherwise: readElse(ifElse.default, scope) };
}

function readElse(otherwise: NonNullable<BranchNode["ifElse"]>["default"], scope: ReadScope): BranchElse | null {
  if (otherwise.case === "elseNode") return { type: "node", node: scope.readInner(otherwise.value) };
  return otherwise.case === "error" ? { type: "fail", message: otherwise.value.message } : null;
}

import { create } from "@bufbuild/protobuf";
import type { BooleanExpression, BranchNode, LiteralType, Node, Operand } from "@skein/idl/core";
import { ScalarSchema } from "@skein/idl/core";
import { castable } from "./castable.ts";
import { scalarTypeOf } from "./literal-type.ts";
import { boundTypes } from "./node-interface.ts";
import type { CompileScope, Types } from "./scope.ts";
import { typeName } from "./type-name.ts";

/** Checks what only branches have: conditions over what is bound to them, inner nodes, and a way out. */
export function checkBranch(scope: CompileScope, node: Node, branch: BranchNode): void {
  const { report } = scope;
  const { ifElse } = branch;
  if (!ifElse) {
    report("ValueRequired", node.id, "Value required [Branch.IfElse].");
    return;
  }
  const bound = boundTypes(scope, node);
  for (const block of ifElse.case ? [ifElse.case, ...ifElse.other] : [undefined, ...ifElse.other]) {
    if (block?.condition) checkExpression(scope, node, block.condition, bound);
    else report("BranchNodeHasNoCondition", node.id, "One of the branches on the node doesn't have a condition.");
    if (!block?.thenNode) report("BranchNodeIdNotFound", node.id, "BranchNode not assigned");
  }
  if (ifElse.default.case === undefined)
    report("BranchNodeHasNoDefault", node.id, "Branch Node must have either the else case set or a default error.");
}

function checkExpression(scope: CompileScope, node: Node, expression: BooleanExpression, bound: Types): void {
  const { expr } = expression;
  if (expr.case === "comparison") {
    const right = operandType(scope, node, "RightValue", expr.value.rightValue, bound);
    const left = operandType(scope, node, "LeftValue", expr.value.leftValue, bound);
    if (!left || !right || castable(left, right) || castable(right, left)) return;
    const words = `Variable [RightValue] (type [${typeName(right)}]) doesn't match expected type [${typeName(left)}].`;
    scope.report("MismatchingTypes", node.id, words);
  } else if (expr.case === "conjunction") {
    for (const side of ["leftExpression", "rightExpression"] as const) {
      const inner = expr.value[side];
      if (inner) checkExpression(scope, node, inner, bound);
      else
        scope.report("BranchNodeHasNoCondition", node.id, "One of the branches on the node doesn't have a condition.");
    }
  } else {
    scope.report("ValueRequired", node.id, "Value required [Expr].");
  }
}

function operandType(
  { report }: CompileScope,
  node: Node,
  side: string,
  operand: Operand | undefined,
  bound: Types,
): LiteralType | undefined {
  const val = operand?.val;
  switch (val?.case) {
    case "primitive":
      return scalarTypeOf(create(ScalarSchema, { value: { case: "primitive", value: val.value } }));
    case "scalar":
      return scalarTypeOf(val.value);
    case "var":
      if (!bound.has(val.value))
        report("VariableNameNotFound", node.id, `Variable [${val.value}] not found on node [${node.id}].`);
      return bound.get(val.value);
    default:
      val?.case satisfies undefined;
      report("ValueRequired", node.id, `Value required [${side}.Val].`);
      return undefined;
  }
}

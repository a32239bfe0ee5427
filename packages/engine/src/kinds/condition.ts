import {
  type BooleanExpression,
  ComparisonExpression_Operator as Comparison,
  type ComparisonExpression,
  ConjunctionExpression_LogicalOperator as Conjunction,
  type LiteralMap,
  type Operand,
  type Primitive,
  type Scalar,
} from "@skein/idl/core";
import type { Failure } from "../event.ts";
import type { BranchCase, BranchElse, GraphNode } from "../program.ts";

/** What a branch chooses from. */
export interface Choices {
  readonly cases: readonly BranchCase[];
  readonly otherwise: BranchElse | null;
}

/** The node that runs, or why none can. */
export type Choice = { readonly node: GraphNode } | { readonly failure: Failure };

/** Chooses by the first condition that holds for a branch's inputs, in order; later ones are not looked at (contract 6.4). */
export function chooseCase({ cases, otherwise }: Choices, inputs: LiteralMap): Choice {
  try {
    const chosen = cases.find(({ condition }) => holds(condition, inputs));
    if (chosen) return { node: chosen.node };
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    return failure("MalformedBranchUserError", error.message);
  }
  if (otherwise?.type === "node") return { node: otherwise.node };
  if (otherwise?.type === "fail") return failure("UserProvidedError", otherwise.message);
  return failure("MalformedBranchUserError", "No branch satisfied");
}

const failure = (code: string, message: string): Choice => ({
  failure: { code, message, kind: "user", recoverable: false },
});

/** A condition that has no answer for these inputs. Never leaves this file. */
class ConditionError extends Error {
  override readonly name = "ConditionError";
}

function holds({ expr }: BooleanExpression, inputs: LiteralMap): boolean {
  if (expr.case === "comparison") return compare(expr.value, inputs);
  const { leftExpression, rightExpression, operator } = expr.value ?? {};
  if (!leftExpression || !rightExpression)
    throw new ConditionError("No Comparison or Conjunction found in Branch node expression.");
  // Both sides, always: a comparison that cannot be made fails the branch even where the other side decides.
  const left = holds(leftExpression, inputs);
  const right = holds(rightExpression, inputs);
  return operator === Conjunction.OR ? left || right : left && right;
}

const ORDER_FREE: ReadonlySet<Comparison> = new Set([Comparison.EQ, Comparison.NEQ]);

function compare({ operator, leftValue, rightValue }: ComparisonExpression, inputs: LiteralMap): boolean {
  const left = readOperand(leftValue, inputs);
  const right = readOperand(rightValue, inputs);
  const isOrdered = !ORDER_FREE.has(operator);
  if (left.kind === "none" || right.kind === "none") {
    if (isOrdered) throw new ConditionError(`[${Comparison[operator]}] not defined for None.`);
    return (left.kind === right.kind) === (operator === Comparison.EQ);
  }
  const lhs = comparableOf(left, "LHS");
  const rhs = comparableOf(right, "RHS");
  if (left.kind !== right.kind) {
    const kinds = `lVal[${left.kind}]:rVal[${right.kind}]`;
    throw new ConditionError(`Comparison between different primitives types. ${kinds}`);
  }
  if (isOrdered && left.kind === "boolean")
    throw new ConditionError(`[${Comparison[operator]}] not defined for boolean operands.`);
  return answer(operator, lhs, rhs);
}

type Comparable = bigint | number | string | boolean;

function answer(operator: Comparison, left: Comparable, right: Comparable): boolean {
  switch (operator) {
    case Comparison.EQ:
      return left === right;
    case Comparison.NEQ:
      return left !== right;
    case Comparison.GT:
      return left > right;
    case Comparison.GTE:
      return left >= right;
    case Comparison.LT:
      return left < right;
    case Comparison.LTE:
      return left <= right;
    default:
      throw new ConditionError(`Operator ${operator satisfies never} is unknown.`);
  }
}

type PrimitiveKind = NonNullable<Primitive["value"]["case"]>;

/** A side of a comparison. `comparable` is missing where it is no primitive. */
interface Side {
  readonly kind: PrimitiveKind | "none" | "other";
  readonly comparable?: Comparable;
}

const OTHER: Side = { kind: "other" };

function comparableOf({ comparable }: Side, side: "LHS" | "RHS"): Comparable {
  if (comparable === undefined)
    throw new ConditionError(`Only primitives can be compared. ${side} Variable is non primitive.`);
  return comparable;
}

function readOperand(operand: Operand | undefined, inputs: LiteralMap): Side {
  const { val } = operand ?? {};
  if (val?.case === "primitive") return readPrimitive(val.value);
  if (val?.case === "scalar") return readScalar(val.value);
  const name = val?.value ?? "";
  const literal = Object.hasOwn(inputs.literals, name) ? inputs.literals[name] : undefined;
  if (!literal) throw new ConditionError(`Failed to find Value for Variable [${name}]`);
  return literal.value.case === "scalar" ? readScalar(literal.value.value) : OTHER;
}

function readScalar({ value }: Scalar): Side {
  if (value.case === "primitive") return readPrimitive(value.value);
  if (value.case === "noneType") return { kind: "none" };
  const inner = value.case === "union" ? value.value.value?.value : undefined;
  return inner?.case === "scalar" ? readScalar(inner.value) : OTHER;
}

function readPrimitive({ value }: Primitive): Side {
  switch (value.case) {
    case "datetime":
    case "duration":
      return { kind: value.case, comparable: value.value.seconds * 1_000_000_000n + BigInt(value.value.nanos) };
    case undefined:
      return OTHER;
    default:
      return { kind: value.case, comparable: value.value };
  }
}

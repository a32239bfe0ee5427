import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type BooleanExpression,
  BooleanExpressionSchema,
  ComparisonExpression_Operator as Comparison,
  ConjunctionExpression_LogicalOperator as Conjunction,
  type Literal,
  LiteralMapSchema,
  LiteralSchema,
  type OperandSchema,
  type PrimitiveSchema,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf } from "../../test/closures.ts";
import { INT, integer, list, nothing, scalar, text, unionLiteral } from "../../test/literals.ts";
import { chooses, when } from "../../test/targets.ts";
import { readProgram } from "../graph.ts";
import type { BranchElse } from "../program.ts";
import { type Choices, chooseCase } from "./condition.ts";

type Operand = MessageInitShape<typeof OperandSchema>;
type PrimitiveInit = MessageInitShape<typeof PrimitiveSchema>["value"];

const variable = (name: string): Operand => ({ val: { case: "var", value: name } });
const primitive = (value: NonNullable<PrimitiveInit>): Literal =>
  scalar({ case: "primitive", value: { value } as MessageInitShape<typeof PrimitiveSchema> });
const boolean = (value: boolean): Literal => primitive({ case: "boolean", value });
const long = (value: bigint): Literal => primitive({ case: "integer", value });
const float = (value: number): Literal => primitive({ case: "floatValue", value });
const datetime = (seconds: bigint, nanos: number): Literal =>
  primitive({ case: "datetime", value: { seconds, nanos } });
const duration = (seconds: bigint, nanos: number): Literal =>
  primitive({ case: "duration", value: { seconds, nanos } });

const comparison = (leftValue: Operand, operator: Comparison, rightValue: Operand): BooleanExpression =>
  create(BooleanExpressionSchema, { expr: { case: "comparison", value: { leftValue, operator, rightValue } } });

const both = (
  leftExpression: BooleanExpression,
  operator: Conjunction,
  rightExpression: BooleanExpression,
): BooleanExpression =>
  create(BooleanExpressionSchema, {
    expr: { case: "conjunction", value: { leftExpression, operator, rightExpression } },
  });

const [node] = readProgram(closureOf({ nodes: {} })).root.nodes;
if (!node) throw new Error("a program has nodes");

const choicesOf = (condition: BooleanExpression, otherwise: BranchElse | null = null): Choices => ({
  cases: [{ condition, node }],
  otherwise,
});

/** Whether the condition holds; a failure's message where it has no answer. */
function answer(condition: BooleanExpression, inputs: Record<string, Literal>): boolean | string {
  const choice = chooseCase(choicesOf(condition), create(LiteralMapSchema, { literals: inputs }));
  if ("node" in choice) return true;
  expect(choice.failure).toMatchObject({ code: "MalformedBranchUserError", kind: "user", recoverable: false });
  return choice.failure.message === "No branch satisfied" ? false : choice.failure.message;
}

const compared = (left: Literal, operator: Comparison, right: Literal): boolean | string =>
  answer(comparison(variable("l"), operator, variable("r")), { l: left, r: right });

const ALL = [Comparison.EQ, Comparison.NEQ, Comparison.GT, Comparison.GTE, Comparison.LT, Comparison.LTE];

test.each<[string, Literal, Literal]>([
  ["integers", integer(-1), integer(2)],
  ["integers that no float can tell apart", long(2n ** 53n), long(2n ** 53n + 1n)],
  ["floats", float(-0.5), float(0.25)],
  ["strings and enums", text("Apple"), text("apple")],
  ["datetimes to the nanosecond", datetime(5n, 1), datetime(5n, 2)],
  ["durations below zero", duration(-5n, -2), duration(-5n, -1)],
])("%s are compared by their order", (_, less, more) => {
  expect(ALL.map((operator) => compared(less, operator, more))).toEqual([false, true, false, false, true, true]);
  expect(ALL.map((operator) => compared(more, operator, less))).toEqual([false, true, true, true, false, false]);
  expect(ALL.map((operator) => compared(more, operator, more))).toEqual([true, false, false, true, false, true]);
});

test("booleans are equal or not, and have no order", () => {
  expect(compared(boolean(true), Comparison.EQ, boolean(true))).toBe(true);
  expect(compared(boolean(true), Comparison.NEQ, boolean(true))).toBe(false);
  expect(ALL.slice(2).map((operator) => compared(boolean(true), operator, boolean(false)))).toEqual(
    ["GT", "GTE", "LT", "LTE"].map((name) => `[${name}] not defined for boolean operands.`),
  );
});

test("None equals only None, and has no order", () => {
  const optional = (value: Literal): Literal => unionLiteral(value, INT);
  expect(compared(optional(nothing()), Comparison.EQ, nothing())).toBe(true);
  expect(compared(optional(integer(1)), Comparison.EQ, nothing())).toBe(false);
  expect(compared(optional(integer(1)), Comparison.NEQ, nothing())).toBe(true);
  expect(compared(nothing(), Comparison.EQ, list(integer(1)))).toBe(false);
  expect(compared(integer(1), Comparison.GT, nothing())).toBe("[GT] not defined for None.");
  const isNone = comparison(variable("x"), Comparison.EQ, {
    val: { case: "scalar", value: { value: { case: "noneType", value: {} } } },
  });
  expect(answer(isNone, { x: nothing() })).toBe(true);
});

test("a union is compared by the value in it", () => {
  expect(compared(unionLiteral(integer(3), INT), Comparison.EQ, integer(3))).toBe(true);
});

test.each<[string, Literal, Literal, string]>([
  [
    "int and float",
    integer(1),
    float(1),
    "Comparison between different primitives types. lVal[integer]:rVal[floatValue]",
  ],
  ["a list", list(integer(1)), integer(1), "Only primitives can be compared. LHS Variable is non primitive."],
  [
    "a file",
    integer(1),
    scalar({ case: "blob", value: {} }),
    "Only primitives can be compared. RHS Variable is non primitive.",
  ],
  [
    "a union of nothing",
    integer(1),
    scalar({ case: "union", value: {} }),
    "Only primitives can be compared. RHS Variable is non primitive.",
  ],
  [
    "an empty primitive",
    scalar({ case: "primitive", value: {} }),
    integer(1),
    "Only primitives can be compared. LHS Variable is non primitive.",
  ],
])("%s cannot be compared", (_, left, right, message) => {
  expect(compared(left, Comparison.EQ, right)).toBe(message);
});

test("a variable without a value fails the branch, and says its name", () => {
  expect(answer(comparison(variable("gone"), Comparison.EQ, variable("x")), { x: integer(1) })).toBe(
    "Failed to find Value for Variable [gone]",
  );
  expect(answer(comparison(variable("toString"), Comparison.EQ, variable("x")), { x: integer(1) })).toBe(
    "Failed to find Value for Variable [toString]",
  );
  expect(answer(create(BooleanExpressionSchema, { expr: { case: "comparison", value: {} } }), {})).toBe(
    "Failed to find Value for Variable []",
  );
});

test("a conjunction evaluates both sides, also where one decides", () => {
  const isTrue = comparison(variable("x"), Comparison.EQ, variable("x"));
  const isFalse = comparison(variable("x"), Comparison.NEQ, variable("x"));
  const broken = comparison(variable("x"), Comparison.EQ, variable("f"));
  const inputs = { x: integer(1), f: float(1) };
  expect(answer(both(isTrue, Conjunction.AND, isTrue), inputs)).toBe(true);
  expect(answer(both(isTrue, Conjunction.AND, isFalse), inputs)).toBe(false);
  expect(answer(both(isFalse, Conjunction.OR, isTrue), inputs)).toBe(true);
  expect(answer(both(isFalse, Conjunction.OR, isFalse), inputs)).toBe(false);
  expect(answer(both(isTrue, Conjunction.OR, broken), inputs)).toMatch(/different primitives/);
  expect(answer(both(isFalse, Conjunction.AND, broken), inputs)).toMatch(/different primitives/);
});

test.each<[string, MessageInitShape<typeof BooleanExpressionSchema>]>([
  ["no expression", {}],
  ["half a conjunction", { expr: { case: "conjunction", value: { leftExpression: {} } } }],
])("%s fails the branch", (_, expression) => {
  const message = "No Comparison or Conjunction found in Branch node expression.";
  expect(answer(create(BooleanExpressionSchema, expression), {})).toBe(message);
});

test("an operator that this version does not know fails the branch; a defect is thrown", () => {
  expect(compared(integer(1), 9 as Comparison, integer(1))).toBe("Operator 9 is unknown.");
  const condition = comparison(variable("x"), Comparison.EQ, variable("x"));
  expect(() => chooseCase(choicesOf(condition), {} as Parameters<typeof chooseCase>[1])).toThrow(TypeError);
});

test("the first case that holds is chosen, and those after it are not looked at", () => {
  const target = chooses(
    { a: [when("x", "EQ", 1), {}], b: [when("x", "GT", 1), {}], c: [when("gone", "GT", 1), {}] },
    { id: "d", node: {} },
  );
  const { root } = readProgram(closureOf({ nodes: { branch: { target } } }));
  const branch = root.nodes[root.indexOf.get("branch") ?? -1]?.target;
  if (branch?.kind !== "branch") throw new Error("it is a branch");
  const chosen = (x: number): string => {
    const choice = chooseCase(branch, create(LiteralMapSchema, { literals: { x: integer(x) } }));
    return "node" in choice ? choice.node.id : choice.failure.message;
  };
  expect([1, 2, 0].map(chosen)).toEqual(["a", "b", "Failed to find Value for Variable [gone]"]);
});

test("without a case that holds it is the else node, the user's error, or a failure", () => {
  const never = comparison(variable("x"), Comparison.NEQ, variable("x"));
  const inputs = create(LiteralMapSchema, { literals: { x: create(LiteralSchema, integer(1)) } });
  expect(chooseCase(choicesOf(never, { type: "node", node }), inputs)).toEqual({ node });
  expect(chooseCase(choicesOf(never, { type: "fail", message: "too small" }), inputs)).toEqual({
    failure: { code: "UserProvidedError", message: "too small", kind: "user", recoverable: false },
  });
  expect(chooseCase(choicesOf(never), inputs)).toEqual({
    failure: {
      code: "MalformedBranchUserError",
      message: "No branch satisfied",
      kind: "user",
      recoverable: false,
    },
  });
});

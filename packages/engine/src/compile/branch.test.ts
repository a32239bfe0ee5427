import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  BooleanExpressionSchema,
  BranchNodeSchema,
  IfBlockSchema,
  IfElseBlock,
  LiteralType,
  Node,
  OperandSchema,
  ScalarSchema,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { BOOL, FLOAT, INT, NONE, STR, unionOf } from "../../test/literals.ts";
import { nodeOf, runs, taskOf, workflowOf } from "../../test/templates.ts";
import { describeCompileErrors } from "./compile-error.ts";
import { compileWorkflow } from "./compile-workflow.ts";

type Expression = MessageInitShape<typeof BooleanExpressionSchema>;
type Operand = MessageInitShape<typeof OperandSchema>;
type Branch = MessageInitShape<typeof BranchNodeSchema>;

const TASKS = [
  taskOf("inc", { x: INT }, { o: INT, extra: INT }),
  taskOf("dec", { x: INT }, { o: INT }),
  taskOf("say", { x: INT }, { o: STR }),
];

const variable = (name: string): Operand => ({ val: { case: "var", value: name } });
const one: Operand = { val: { case: "primitive", value: { value: { case: "integer", value: 1n } } } };
const none: Operand = {
  val: {
    case: "scalar",
    value: { value: { case: "noneType", value: {} } } satisfies MessageInitShape<typeof ScalarSchema>,
  },
};
const equal = (leftValue: Operand | undefined, rightValue: Operand): Expression => ({
  expr: { case: "comparison", value: leftValue ? { leftValue, rightValue } : { rightValue } },
});
const inc = (): Node => nodeOf("inc", { x: ".x" }, { target: runs("inc") });
const dec = (): Node => nodeOf("dec", { x: ".x" }, { target: runs("dec") });

interface Parts {
  readonly first?: MessageInitShape<typeof IfBlockSchema>;
  readonly other?: MessageInitShape<typeof IfBlockSchema>[];
  readonly otherwise?: IfElseBlock["default"];
}

const branch = (condition: Expression, { first, other = [], otherwise }: Parts = {}): Branch => ({
  ifElse: {
    case: first ?? { condition, thenNode: inc() },
    other,
    default: otherwise ?? { case: "elseNode", value: dec() },
  },
});

const compile = (value: Branch, output = "b.o", more: readonly Node[] = [], x: LiteralType = INT) =>
  compileWorkflow({
    template: workflowOf({
      inputs: { x, y: FLOAT, maybe: unionOf(INT, NONE), flag: BOOL },
      outputs: { o: [INT, output] },
      nodes: [nodeOf("b", { x: ".x", y: ".y", maybe: ".maybe" }, { target: { case: "branchNode", value } }), ...more],
    }),
    tasks: TASKS,
  });

const codes = (value: Branch, output?: string, more?: readonly Node[]): string[] => {
  const result = compile(value, output, more);
  return "errors" in result ? result.errors.map(({ code, nodeId }) => `${nodeId} ${code}`) : [];
};

test("inner nodes are named after their branch, read what they need, and stay out of the graph", () => {
  const result = compile(branch(equal(variable("x"), one)));
  if ("errors" in result) throw new Error(describeCompileErrors(result.errors));
  const { template, connections } = result.closure.primary ?? {};
  const target = template?.nodes[2]?.target;
  const ifElse = target?.case === "branchNode" ? target.value.ifElse : undefined;
  expect(template?.nodes).toHaveLength(3);
  expect(ifElse?.case?.thenNode?.id).toBe("b-inc");
  expect(ifElse?.default.value).toMatchObject({ id: "b-dec" });
  expect(connections?.upstream["b-inc"]?.ids).toEqual(["start-node"]);
  expect(connections?.downstream["start-node"]?.ids).toEqual(["b"]);
});

test("a branch inside a branch compiles, and its inner nodes are named after both", () => {
  const inner = nodeOf("b2", { x: ".x" }, { target: { case: "branchNode", value: branch(equal(variable("x"), one)) } });
  const result = compile(branch(equal(variable("x"), one), { otherwise: { case: "elseNode", value: inner } }));
  if ("errors" in result) throw new Error(describeCompileErrors(result.errors));
  expect(Object.keys(result.closure.primary?.connections?.upstream ?? {})).toContain("b-b2-inc");
});

test.each([
  ["a number and a literal", equal(variable("x"), one)],
  ["an optional and None", equal(variable("maybe"), none)],
  [
    "both sides of a conjunction",
    {
      expr: {
        case: "conjunction",
        value: { leftExpression: equal(variable("x"), one), rightExpression: equal(one, variable("x")) },
      },
    } satisfies Expression,
  ],
])("a condition may compare %s", (_words, condition) => {
  expect(codes(branch(condition))).toEqual([]);
});

test.each<[string, Expression, string]>([
  ["int and float", equal(variable("x"), variable("y")), "b MismatchingTypes"],
  ["what is not bound", equal(variable("flag"), one), "b VariableNameNotFound"],
  ["nothing", equal(undefined, one), "b ValueRequired"],
  ["an empty operand", equal({}, one), "b ValueRequired"],
  ["an empty expression", {}, "b ValueRequired"],
])("a condition cannot compare %s", (_words, condition, code) => {
  expect(codes(branch(condition))).toEqual([code]);
});

test("half a conjunction is no condition", () => {
  const half: Expression = { expr: { case: "conjunction", value: { leftExpression: equal(variable("x"), one) } } };
  expect(codes(branch(half))).toEqual(["b BranchNodeHasNoCondition"]);
});

test("each case has a condition and a node, and the branch has a way out", () => {
  const ok = equal(variable("x"), one);
  expect(codes({}, ".x")).toEqual(["b ValueRequired"]);
  expect(codes(branch(ok, { first: { condition: ok }, otherwise: { case: undefined } }), ".x")).toEqual([
    "b BranchNodeIdNotFound",
    "b BranchNodeHasNoDefault",
  ]);
  expect(codes({ ifElse: { case: { thenNode: inc() }, default: { case: "error", value: {} } } })).toEqual([
    "b BranchNodeHasNoCondition",
  ]);
  expect(
    codes({ ifElse: { other: [{ condition: ok, thenNode: dec() }], default: { case: "error", value: {} } } }),
  ).toEqual(["b BranchNodeHasNoCondition", "b BranchNodeIdNotFound"]);
});

test("a branch hands out only what all its inner nodes do", () => {
  expect(codes(branch(equal(variable("x"), one)), "b.extra")).toEqual(["end-node VariableNameNotFound"]);
});

test("inner nodes agree on the types of what they hand out", () => {
  const say = nodeOf("say", { x: ".x" }, { target: runs("say") });
  const value = branch(equal(variable("x"), one), { other: [{ condition: equal(variable("x"), one), thenNode: say }] });
  expect(codes(value)).toEqual(["b-say MismatchingTypes"]);
});

test("errors of inner nodes are reported, and the others decide what the branch hands out", () => {
  const gone = nodeOf("gone", {}, { target: runs("gone") });
  const value = branch(equal(variable("x"), one), {
    other: [{ condition: equal(variable("x"), one), thenNode: gone }],
  });
  expect(codes(value)).toEqual(["b-gone TaskReferenceNotFound"]);
  expect(
    codes(branch(equal(variable("x"), one), { first: { condition: equal(variable("x"), one), thenNode: dec() } })),
  ).toEqual(["b-dec DuplicateId"]);
});

test("an inner node that waits for what comes after its branch would never run", () => {
  const after = nodeOf("after", { x: "b.o" }, { target: runs("inc") });
  const waiting = nodeOf("w", { x: "after.o" }, { target: runs("inc") });
  const value = branch(equal(variable("x"), one), { otherwise: { case: "elseNode", value: waiting } });
  expect(codes(value, "b.o", [after])).toEqual(["start-node CycleDetected"]);
});

test("an inner node waits for the nodes of the graph that it says, which must not come after its branch", () => {
  const waitsFor = (...upstreamNodeIds: string[]) =>
    branch(equal(variable("x"), one), {
      otherwise: { case: "elseNode", value: nodeOf("w", { x: ".x" }, { target: runs("inc"), upstreamNodeIds }) },
    });
  const other = nodeOf("other", { x: ".x" }, { target: runs("inc") });
  expect(codes(waitsFor("other", "no-node-of-the-graph"), "b.o", [other])).toEqual([]);
  const after = nodeOf("after", { x: "b.o" }, { target: runs("inc") });
  expect(codes(waitsFor("after"), "b.o", [after])).toEqual(["start-node CycleDetected"]);
});

test("a failure node may be a branch", () => {
  const value = branch(equal(variable("x"), one));
  const failureNode = nodeOf("f", { x: ".x" }, { target: { case: "branchNode", value } });
  const template = workflowOf({ inputs: { x: INT }, nodes: [inc()], failureNode });
  expect("closure" in compileWorkflow({ template, tasks: TASKS })).toBe(true);
});

import { ComparisonExpression_Operator } from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf, integer, integersOf, literals, promiseOf, toNode } from "../../test/closures.ts";
import { Stage } from "../../test/stage.ts";

const isAbove = (limit: number) => ({
  expr: {
    case: "comparison" as const,
    value: {
      operator: ComparisonExpression_Operator.GT,
      leftValue: { val: { case: "var" as const, value: ".x" } },
      rightValue: {
        val: { case: "primitive" as const, value: { value: { case: "integer" as const, value: BigInt(limit) } } },
      },
    },
  },
});

const reads = { inputs: { x: promiseOf("") } };

/** Above 10: `b-high`; above 5: `b-middle`; else what is given. */
function branching(otherwise: "node" | "fail"): Stage {
  const failure = { case: "error" as const, value: { failedNodeId: "b", message: "too small" } };
  const stage = new Stage(
    closureOf({
      nodes: {
        b: {
          inputs: { ".x": promiseOf("") },
          target: {
            case: "branchNode",
            value: {
              ifElse: {
                case: { condition: isAbove(10), thenNode: toNode("b-high", reads) },
                other: [{ condition: isAbove(5), thenNode: toNode("b-middle", reads) }],
                default: otherwise === "fail" ? failure : { case: "elseNode", value: toNode("b-low", reads) },
              },
            },
          },
        },
        after: { inputs: { x: promiseOf("b") } },
      },
      outputs: { x: promiseOf("after") },
    }),
  );
  return stage;
}

const withInput = (stage: Stage, x: number) => {
  stage.values.set("0.outputs", literals({ x: integer(x) }));
  stage.start();
  return stage;
};

test("a branch runs the first case that holds under itself, skips the others and hands its outputs on", () => {
  const stage = withInput(branching("node"), 7);
  expect(stage.phases()).toMatchObject({ b: "running", "b-0-b-high": "skipped", "b-0-b-low": "skipped" });
  expect(stage.action("b-0-b-middle")).toMatchObject({ parentOrdinal: stage.action("b").ordinal, phase: "queued" });
  stage.restore();
  stage.succeeded("b-0-b-middle");
  expect(stage.phases()).toMatchObject({ b: "succeeded", after: "queued" });
  expect(integersOf(stage.value("b", "outputs"))).toEqual({ x: 7 });
  expect(integersOf(stage.value("after", "inputs"))).toEqual({ x: 7 });
  stage.restore();
  stage.succeeded("after");
  expect(stage.runRow.phase).toBe("succeeded");
});

test("the else case is a node, or a failure in the user's words", () => {
  expect(withInput(branching("node"), 1).phases()).toMatchObject({ "b-0-b-low": "queued" });
  const failing = withInput(branching("fail"), 1);
  expect(failing.phases()).toMatchObject({ run: "failed", b: "failed" });
  expect(failing.runRow.failure).toMatchObject({ code: "UserProvidedError", message: "too small", kind: "user" });
});

test("a failed case fails its branch, and an aborted run ends both", () => {
  const failing = withInput(branching("node"), 20);
  failing.failed("b-0-b-high");
  expect(failing.phases()).toMatchObject({ run: "failed", b: "failed", "b-0-b-high": "failed" });
  expect(failing.runRow.failure).toMatchObject({ message: "b-0-b-high broke" });

  const aborted = withInput(branching("node"), 20);
  aborted.started("b-0-b-high");
  aborted.abort();
  expect(aborted.phases()).toMatchObject({ run: "aborting", b: "aborting", "b-0-b-high": "aborting" });
  aborted.restore();
  aborted.stopped("b-0-b-high");
  expect(aborted.phases()).toMatchObject({ run: "aborted", b: "aborted", "b-0-b-high": "aborted" });
});

test("inputs of a branch that cannot be resolved fail it", () => {
  const stage = branching("node");
  stage.values.set("0.outputs", literals({}));
  stage.start();
  expect(stage.runRow.failure?.code).toBe("BindingResolutionFailure");
});

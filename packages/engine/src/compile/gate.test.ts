import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { type ArrayNodeSchema, BindingSchema, type GateNodeSchema, type LiteralType } from "@skein/idl/core";
import { expect, test } from "vitest";
import { INT, listOf, STR } from "../../test/literals.ts";
import { type Given, nodeOf, runs, taskOf, workflowOf } from "../../test/templates.ts";
import { compileWorkflow } from "./compile-workflow.ts";

type Gate = MessageInitShape<typeof GateNodeSchema>;

const TASKS = [taskOf("sum", { xs: listOf(INT) }, { o: INT })];

function codes(value: Gate, inputs: Record<string, Given>, output: readonly [LiteralType, Given]): string[] {
  const gate = nodeOf("g", inputs, { target: { case: "gateNode", value } });
  const template = workflowOf({ inputs: { x: INT }, outputs: { o: output }, nodes: [gate] });
  const result = compileWorkflow({ template, tasks: TASKS });
  return "errors" in result ? result.errors.map(({ code, nodeId }) => `${nodeId} ${code}`) : [];
}

const approve: Gate = { condition: { case: "approve", value: { signalId: "ok" } } };
const signal = (type: LiteralType | undefined, outputVariableName: string): Gate => ({
  condition: { case: "signal", value: { ...(type ? { type } : {}), outputVariableName } },
});

test("an approval hands on whatever is bound to it, with its type", () => {
  expect(codes(approve, { x: ".x" }, [INT, "g.x"])).toEqual([]);
  expect(codes(approve, { x: ".x" }, [STR, "g.x"])).toEqual(["end-node MismatchingTypes"]);
  const listed: Given = {
    value: {
      case: "collection",
      value: { bindings: [{ value: { case: "promise", value: { nodeId: "", var: "x" } } }] },
    },
  };
  expect(codes(approve, { x: listed }, [listOf(INT), "g.x"])).toEqual([]);
  expect(codes(approve, { x: { value: { case: "map", value: {} } } }, [STR, "g.x"])).toEqual([
    "end-node MismatchingTypes",
  ]);
});

test("what is wrong with a binding of an approval is told once, and a binding of nothing hands on nothing", () => {
  expect(codes(approve, { x: "gone.x" }, [INT, "g.x"])).toEqual(["g NodeReferenceNotFound"]);
  const gate = nodeOf("g", {}, { target: { case: "gateNode", value: approve } });
  gate.inputs.push(create(BindingSchema, { var: "x" }));
  const template = workflowOf({ outputs: { o: [INT, "g.x"] }, nodes: [gate] });
  const result = compileWorkflow({ template, tasks: [] });
  expect("errors" in result && result.errors.map(({ code, nodeId }) => `${nodeId} ${code}`)).toEqual([
    "g ValueRequired",
    "end-node VariableNameNotFound",
  ]);
});

test("approvals that wait for each other are a cycle, not an endless loop", () => {
  expect(codes(approve, { x: "g.x" }, [INT, "g.x"])).toContain("start-node CycleDetected");
});

test("a signal hands out one variable of its type", () => {
  expect(codes(signal(STR, "o0"), {}, [STR, "g.o0"])).toEqual([]);
  expect(codes(signal(INT, "o0"), {}, [STR, "g.o0"])).toEqual(["end-node MismatchingTypes"]);
  expect(codes(signal(undefined, ""), {}, [INT, ".x"])).toEqual(["g ValueRequired", "g ValueRequired"]);
});

test("a pause takes and hands out nothing, and a gate without a condition is refused", () => {
  const pause: Gate = { condition: { case: "sleep", value: {} } };
  expect(codes(pause, {}, [INT, ".x"])).toEqual([]);
  expect(codes(pause, { x: ".x" }, [INT, "g.x"])).toEqual(["g VariableNameNotFound", "end-node VariableNameNotFound"]);
  expect(codes({}, {}, [INT, "g.x"])).toEqual(["g NoConditionFound"]);
});

test("a map task speaks of lists itself, and needs an inner node that compiles", () => {
  const array = (value: MessageInitShape<typeof ArrayNodeSchema>) => {
    const node = nodeOf("m", { xs: ".xs" }, { target: { case: "arrayNode", value } });
    const template = workflowOf({ inputs: { xs: listOf(INT) }, nodes: [node] });
    const result = compileWorkflow({ template, tasks: TASKS });
    return "errors" in result ? result.errors.map(({ code, nodeId }) => `${nodeId} ${code}`) : [];
  };
  expect(array({ node: { target: runs("sum") } })).toEqual([]);
  expect(array({})).toEqual(["m ValueRequired"]);
  expect(array({ node: { target: runs("gone") } })).toEqual(["m TaskReferenceNotFound"]);
});

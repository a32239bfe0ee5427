import { create } from "@bufbuild/protobuf";
import { BindingSchema, type CompiledWorkflowClosure, CompiledWorkflowClosureSchema, type Node } from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf, INTEGER, promiseOf, runsTask, runsWorkflow, testId } from "../test/closures.ts";
import { readProgram } from "./graph.ts";
import type { GraphNode } from "./program.ts";

type Target = ReturnType<typeof runsTask>;

const mapsOver = (target: Target): Target => ({ case: "arrayNode", value: { node: { target } } });

const nodeOf = (closure: CompiledWorkflowClosure, id: string): GraphNode => {
  const { root } = readProgram(closure);
  const node = root.nodes[root.indexOf.get(id) ?? -1];
  if (!node) throw new Error(`no node ${id}`);
  return node;
};

const rawNode = (closure: CompiledWorkflowClosure, id: string): Node => {
  const node = closure.primary?.template?.nodes.find((candidate) => candidate.id === id);
  if (!node) throw new Error(`no node ${id}`);
  return node;
};

test("nodes know how many others they wait for, who waits for them and whose values they read", () => {
  const closure = closureOf({
    nodes: {
      a: { inputs: { x: promiseOf("") } },
      b: { after: ["a"] },
      c: {
        inputs: {
          x: promiseOf("a"),
          list: { value: { case: "collection", value: { bindings: [promiseOf("b"), promiseOf("a")] } } },
          map: { value: { case: "map", value: { bindings: { k: promiseOf("") } } } },
          nothing: { value: { case: "scalar", value: {} } },
        },
      },
    },
  });
  const { root } = readProgram(closure);
  const named = (indexes: readonly number[]) => indexes.map((index) => root.nodes[index]?.id);
  const c = nodeOf(closure, "c");
  expect(c.inDegree).toBe(3);
  expect(named(c.producers)).toEqual(["a", "b", "start-node"]);
  expect(named(nodeOf(closure, "a").downstream)).toEqual(["b", "c"]);
  expect(nodeOf(closure, "end-node")).toMatchObject({ inDegree: 1, target: { kind: "end" } });
  expect(root.failurePolicy).toBe("failImmediately");
});

test("the task type echo is an echo order, any other a container", () => {
  const closure = closureOf({ nodes: {} }, [], [{ id: testId("py"), type: "python-task" }, { type: "nameless" }]);
  const { tasks } = readProgram(closure);
  expect([...tasks.values()].map(({ key, orderKind }) => [key, orderKind])).toEqual([
    ["p:d:echo:v", "echo"],
    ["p:d:py:v", "container"],
  ]);
});

test("a node's retries and timeout win over its task's when they say anything", () => {
  const task = {
    id: testId("t"),
    type: "t",
    metadata: {
      retries: { retries: 4 },
      timeout: { seconds: 2n, nanos: 500_000_000 },
      interruptibleValue: { case: "interruptible" as const, value: true },
    },
  };
  const closure = closureOf(
    {
      nodes: {
        own: { retries: 1, timeoutMs: 7_250, target: runsTask("t") },
        inherits: { target: runsTask("t") },
        echo: {},
      },
    },
    [],
    [task],
  );
  expect(nodeOf(closure, "own")).toMatchObject({ retries: 1, timeoutMs: 7_250, interruptible: true });
  expect(nodeOf(closure, "inherits")).toMatchObject({ retries: 4, timeoutMs: 2_500, interruptible: true });
  expect(nodeOf(closure, "echo")).toMatchObject({ retries: 0, timeoutMs: 0, interruptible: false });
  const { metadata } = rawNode(closure, "own");
  if (metadata) metadata.interruptibleValue = { case: "interruptible", value: false };
  expect(nodeOf(closure, "own").interruptible).toBe(false);
  delete rawNode(closure, "echo").metadata;
  expect(nodeOf(closure, "echo")).toMatchObject({ retries: 0, timeoutMs: 0 });
});

const reasonOf = (closure: CompiledWorkflowClosure, id: string): string => {
  const { target } = nodeOf(closure, id);
  return target.kind === "unsupported" ? target.reason : "";
};

test("what refers to nothing, or says too little, says why it cannot run", () => {
  const closure = closureOf({
    nodes: {
      branch: { target: { case: "branchNode", value: {} } },
      half: {
        target: { case: "branchNode", value: { ifElse: { case: { thenNode: { target: runsTask("echo") } } } } },
      },
      gate: { target: { case: "gateNode", value: {} } },
      array: { target: { case: "arrayNode", value: {} } },
      mapsGate: { target: mapsOver({ case: "gateNode", value: { condition: { case: "sleep", value: {} } } }) },
      mapsNothing: { target: mapsOver(runsTask("gone")) },
      task: { target: runsTask("gone") },
      workflow: { target: runsWorkflow("gone") },
      vague: { target: { case: "taskNode", value: {} } },
    },
  });
  const { branch, half, gate, array, mapsGate, mapsNothing, task, workflow, vague } = Object.fromEntries(
    ["branch", "half", "gate", "array", "mapsGate", "mapsNothing", "task", "workflow", "vague"].map((id) => [
      id,
      reasonOf(closure, id),
    ]),
  );
  expect(branch).toBe("One of the cases of the branch has no condition or no node.");
  expect(half).toBe(branch);
  expect(gate).toBe("The gate does not say what it waits for.");
  expect(array).toBe("The map does not say what it maps.");
  expect(mapsGate).toBe("A gate cannot be mapped.");
  expect(mapsNothing).toBe(task);
  expect(task).toBe("Task p:d:gone:v is not in the compiled workflow.");
  expect(workflow).toBe("Workflow p:d:gone:v is not in the compiled workflow.");
  expect(vague).toBe("The node does not say what it runs.");
  rawNode(closure, "task").target = { case: undefined };
  expect(reasonOf(closure, "task")).toBe(vague);
});

test("declared types that hold a union are kept for the nodes that bind to them", () => {
  const union = { type: { case: "unionType" as const, value: { variants: [INTEGER] } } };
  const inner = { name: "inner", nodes: {}, inputTypes: { x: INTEGER, maybe: union } };
  const closure = closureOf({ nodes: { sub: { target: runsWorkflow("inner") } }, outputTypes: { maybe: union } }, [
    inner,
  ]);
  expect([...nodeOf(closure, "sub").unionTypes.keys()]).toEqual(["maybe"]);
  expect([...nodeOf(closure, "end-node").unionTypes.keys()]).toEqual(["maybe"]);
});

test("a closure without connections or defaults is read, one that contradicts itself breaks an invariant", () => {
  const closure = closureOf({ nodes: { a: {} } });
  if (closure.primary) delete closure.primary.connections;
  rawNode(closure, "a").inputs.push(create(BindingSchema, { var: "unbound" }));
  expect(nodeOf(closure, "a").inDegree).toBe(0);
  expect(() => readProgram(create(CompiledWorkflowClosureSchema))).toThrow(/primary workflow/);
  expect(() =>
    readProgram(
      closureOf({ nodes: { a: { after: ["ghost"] }, ghost2: { after: ["a"] } }, outputs: { x: promiseOf("ghost") } }),
    ),
  ).toThrow(/no node ghost/);
});

test("10,000 nodes are read in less than a second of CPU", () => {
  const nodes = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, index) => [
      `n${index}`,
      { inputs: { x: promiseOf(index % 3 ? `n${index - 1}` : "") } },
    ]),
  );
  const closure = closureOf({ nodes });
  const before = process.cpuUsage();
  expect(readProgram(closure).root.nodes).toHaveLength(10_002);
  expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
});

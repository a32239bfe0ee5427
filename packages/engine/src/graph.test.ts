import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  BindingSchema,
  CompiledLaunchPlanSchema,
  type CompiledWorkflowClosure,
  CompiledWorkflowClosureSchema,
  type Node,
  NodeMetadataSchema,
  SimpleType,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf, INTEGER, promiseOf, runsTask, runsWorkflow, testId } from "../test/closures.ts";
import { asksApproval, asksValue, chooses, launches, maps, sleeps, when } from "../test/targets.ts";
import { readProgram } from "./graph.ts";
import type { GraphNode } from "./program.ts";

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
      mapsGate: { target: maps(sleeps(1)) },
      mapsNothing: { target: maps(runsTask("gone")) },
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

test("a branch waits for everything that its inner nodes wait for, at any depth, and they wait for nothing", () => {
  const inner = chooses({ deep: [when("x", "EQ", 2), { inputs: { x: promiseOf("c") } }] }, { fails: "no" });
  const target = chooses(
    { first: [when("x", "EQ", 1), { inputs: { x: promiseOf("b"), y: promiseOf("") }, after: ["branch", "gone"] }] },
    { id: "second", node: { inputs: { x: promiseOf("a") }, after: ["d"], target: inner } },
  );
  const closure = closureOf({
    nodes: { a: {}, b: {}, c: {}, d: {}, branch: { inputs: { x: promiseOf("a") }, target }, e: { after: ["branch"] } },
  });
  const { root } = readProgram(closure);
  const branch = nodeOf(closure, "branch");
  expect(branch.inDegree).toBe(5);
  for (const id of ["a", "b", "c", "d", "start-node"]) expect(nodeOf(closure, id).downstream).toContain(branch.index);
  expect(branch.producers).toEqual([root.indexOf.get("a")]);
  const chosen = branch.target.kind === "branch" ? branch.target : undefined;
  const first = chosen?.cases[0]?.node;
  expect(first).toMatchObject({ index: -1, id: "first", inDegree: 0, downstream: [], target: { kind: "task" } });
  expect(first?.producers).toEqual(["b", "start-node"].map((id) => root.indexOf.get(id)));
  expect(chosen?.otherwise).toMatchObject({
    type: "node",
    node: { id: "second", target: { kind: "branch", otherwise: { type: "fail", message: "no" } } },
  });
});

test("a branch without an else has nothing to fall back to", () => {
  const target = chooses({ only: [when("x", "EQ", 1), {}] });
  expect(nodeOf(closureOf({ nodes: { branch: { target } } }), "branch").target).toMatchObject({ otherwise: null });
});

test("gates say what they wait for, and for how long", () => {
  const closure = closureOf({
    nodes: {
      pause: { target: sleeps(1_500) },
      ask: { target: asksApproval("ok"), timeoutMs: 60_000 },
      value: { target: asksValue("how-many") },
      untyped: {
        target: { case: "gateNode", value: { condition: { case: "signal", value: { signalId: "s" } } } },
      },
    },
  });
  const gateOf = (id: string) => {
    const { target } = nodeOf(closure, id);
    return target.kind === "gate" ? target.gate : undefined;
  };
  expect(gateOf("pause")).toEqual({ type: "sleep", durationMs: 1_500 });
  expect(gateOf("ask")).toEqual({ type: "approve", signalId: "ok" });
  expect(nodeOf(closure, "ask").timeoutMs).toBe(60_000);
  expect(gateOf("value")).toMatchObject({ type: "signal", signalId: "how-many", outputName: "x", valueType: {} });
  expect(gateOf("untyped")).toMatchObject({ type: "signal", valueType: null });
});

test("a map says what it maps, how many at once, how many must succeed and what is cut", () => {
  const mapped = {
    id: testId("square"),
    type: "t",
    interface: { outputs: { variables: { o1: { type: INTEGER }, o0: { type: INTEGER } } } },
  };
  const inner = { name: "inner", nodes: {}, outputTypes: { w: INTEGER } };
  const closure = closureOf(
    {
      nodes: {
        shared: {
          inputs: { x: promiseOf("") },
          target: maps(runsTask("square"), { parallelism: 3, minSuccessRatio: 0.5, boundInputs: ["b"], retries: 2 }),
        },
        split: { target: maps(runsTask("square"), { isSplit: true, minSuccesses: 1 }) },
        flow: { target: maps(runsWorkflow("inner")) },
        plan: { target: maps(launches("lp")) },
      },
    },
    [inner],
    [mapped],
  );
  closure.launchPlans.push(
    create(CompiledLaunchPlanSchema, {
      template: { id: testId("lp"), interface: { outputs: { variables: { p: { type: INTEGER } } } } },
    }),
    create(CompiledLaunchPlanSchema),
  );
  const arrayOf = (id: string) => {
    const { target } = nodeOf(closure, id);
    return target.kind === "array" ? target.array : undefined;
  };
  expect(arrayOf("shared")).toMatchObject({
    parallelism: 3,
    minSuccesses: null,
    minSuccessRatio: 0.5,
    boundInputs: new Set(["b"]),
    isSplit: false,
    outputNames: ["o0", "o1"],
    node: { index: -1, bindings: [], producers: [], retries: 2, target: { kind: "task" } },
  });
  expect(nodeOf(closure, "shared")).toMatchObject({ bindings: [{ var: "x" }], cache: null });
  expect(arrayOf("split")).toMatchObject({ parallelism: 0, minSuccesses: 1, minSuccessRatio: null, isSplit: true });
  expect(arrayOf("flow")).toMatchObject({ isSplit: true, outputNames: ["w"] });
  expect(arrayOf("plan")).toMatchObject({
    isSplit: true,
    outputNames: ["p"],
    node: { target: { id: { name: "lp" } } },
  });
});

test("a task of flytekit's former maps is a map over itself", () => {
  const args = ["pyflyte-map-execute", "--resolver", "MapTaskResolver", "--", "vars", "b,c", "resolver", "r"];
  const tasks = [
    {
      id: testId("old"),
      type: "container_array",
      custom: { parallelism: "3", minSuccessRatio: 0.5 },
      interface: { outputs: { variables: { o0: { type: INTEGER } } } },
      target: { case: "container" as const, value: { args } },
    },
    { id: testId("plain"), type: "container_array", target: { case: "container" as const, value: {} } },
    { id: testId("bare"), type: "container_array", custom: { minSuccesses: "2" } },
  ];
  const nodes = {
    old: { inputs: { x: promiseOf("") }, target: runsTask("old") },
    plain: { target: runsTask("plain") },
    bare: { target: runsTask("bare") },
  };
  const closure = closureOf({ nodes }, [], tasks);
  const arrayOf = (id: string) => {
    const { target } = nodeOf(closure, id);
    return target.kind === "array" ? target.array : undefined;
  };
  expect(arrayOf("old")).toMatchObject({
    node: { index: -1, id: "old", bindings: [], target: { kind: "task", task: { key: "p:d:old:v" } } },
    parallelism: 3,
    minSuccesses: null,
    minSuccessRatio: 0.5,
    boundInputs: new Set(["b", "c"]),
    isSplit: false,
    outputNames: ["o0"],
  });
  expect(nodeOf(closure, "old")).toMatchObject({ bindings: [{ var: "x" }], cache: null });
  const rest = { parallelism: 0, minSuccessRatio: null, boundInputs: new Set() };
  expect(arrayOf("plain")).toMatchObject({ ...rest, minSuccesses: null });
  expect(arrayOf("bare")).toMatchObject({ ...rest, minSuccesses: 2 });
});

test("a map over an entity that keeps its interface takes lists of what that declares, except where it is bound", () => {
  const union = { type: { case: "unionType" as const, value: { variants: [INTEGER] } } };
  const inner = { name: "inner", nodes: {}, inputTypes: { x: union, b: union } };
  const target = (keepsInterface: boolean) => maps(runsWorkflow("inner"), { keepsInterface, boundInputs: ["b"] });
  const closure = closureOf({ nodes: { keeps: { target: target(true) }, own: { target: target(false) } } }, [inner]);
  const kinds = (id: string) => [...nodeOf(closure, id).unionTypes].map(([name, { type }]) => [name, type.case]);
  expect(kinds("keeps")).toEqual([
    ["x", "collectionType"],
    ["b", "unionType"],
  ]);
  expect(kinds("own")).toEqual([
    ["x", "unionType"],
    ["b", "unionType"],
  ]);
});

test("a task is cached as it says, unless its node says otherwise", () => {
  const metadata = { discoverable: true, discoveryVersion: "1", cacheSerializable: true, cacheIgnoreInputVars: ["x"] };
  const cached = { id: testId("cached"), type: "t", metadata };
  const closure = closureOf({ nodes: { plain: {}, own: { target: runsTask("cached") } } }, [], [cached]);
  const cacheOf = (override: MessageInitShape<typeof NodeMetadataSchema>, id = "own") => {
    rawNode(closure, id).metadata = create(NodeMetadataSchema, override);
    return nodeOf(closure, id).cache;
  };
  expect(cacheOf({})).toEqual({ version: "1", isSerialized: true, ignoredInputs: new Set(["x"]) });
  expect(cacheOf({ cacheableValue: { case: "cacheable", value: false } })).toBeNull();
  expect(cacheOf({ cacheVersionValue: { case: "cacheVersion", value: "2" } })?.version).toBe("2");
  expect(cacheOf({ cacheVersionValue: { case: "cacheVersion", value: "v".repeat(255) } })).not.toBeNull();
  expect(cacheOf({ cacheVersionValue: { case: "cacheVersion", value: "v".repeat(256) } })).toBeNull();
  expect(cacheOf({ cacheSerializableValue: { case: "cacheSerializable", value: false } })?.isSerialized).toBe(false);
  expect(cacheOf({}, "plain")).toBeNull();
  const on = { cacheableValue: { case: "cacheable" as const, value: true } };
  expect(cacheOf(on, "plain")).toBeNull();
  expect(cacheOf({ ...on, cacheVersionValue: { case: "cacheVersion", value: "3" } }, "plain")).toEqual({
    version: "3",
    isSerialized: false,
    ignoredInputs: new Set(),
  });
});

test("a failure node is told the error by the inputs that take one", () => {
  const error = { type: { case: "simple" as const, value: SimpleType.ERROR } };
  const optional = { type: { case: "unionType" as const, value: { variants: [error] } } };
  const types = { x: { type: INTEGER }, untyped: {}, err: { type: optional } };
  const cleanUp = { id: testId("clean"), type: "t", interface: { inputs: { variables: types } } };
  const closure = closureOf(
    { nodes: {}, onFailure: { inputs: { x: promiseOf("") }, target: runsTask("clean") } },
    [],
    [cleanUp],
  );
  const { failureNode, start } = readProgram(closure).root;
  expect(failureNode).toMatchObject({ index: -1, id: "fn", target: { kind: "task" }, producers: [start] });
  expect([...(failureNode?.errorInputs.keys() ?? [])]).toEqual(["err"]);
  expect(readProgram(closureOf({ nodes: {} })).root.failureNode).toBeNull();
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

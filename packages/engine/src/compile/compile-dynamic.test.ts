import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type CompiledTask,
  DynamicJobSpecSchema,
  type Node,
  ParameterMapSchema,
  type TaskTemplate,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { INT, listOf } from "../../test/literals.ts";
import { binding, contains, type Given, launches, nodeOf, runs, taskOf, workflowOf } from "../../test/templates.ts";
import { readProgram } from "../graph.ts";
import { compileDynamic, requiredByDynamic } from "./compile-dynamic.ts";
import { describeCompileErrors } from "./compile-error.ts";

const templateOf = ({ template }: CompiledTask): TaskTemplate => {
  if (!template) throw new Error("a task has a template");
  return template;
};

const INC = taskOf("inc", { x: INT }, { o: INT });
const PARENT = templateOf(taskOf("dyn", { n: INT }, { o: INT }));

type SpecInit = Exclude<MessageInitShape<typeof DynamicJobSpecSchema>, { $typeName: string }>;

const specOf = (nodes: Node[], output: Given, rest: SpecInit = {}) =>
  create(DynamicJobSpecSchema, { nodes, outputs: [binding("o", output)], tasks: [templateOf(INC)], ...rest });

const one: Given = {
  value: {
    case: "scalar",
    value: { value: { case: "primitive", value: { value: { case: "integer", value: 1n } } } },
  },
};

const errorsOf = (result: ReturnType<typeof compileDynamic>): string =>
  "errors" in result ? describeCompileErrors(result.errors) : "";

test("what a dynamic task wrote becomes a workflow of its name that hands out what the task declares", () => {
  const spec = specOf(
    [nodeOf("dn0", { x: one }, { target: runs("inc") }), nodeOf("dn1", { x: "dn0.o" }, { target: contains("sub") })],
    "dn1.o",
    {
      subworkflows: [
        workflowOf({
          name: "sub",
          inputs: { x: INT },
          outputs: { o: [INT, "n0.o"] },
          nodes: [nodeOf("n0", { x: ".x" }, { target: runs("inc") })],
        }),
      ],
    },
  );
  const result = compileDynamic({ spec, task: PARENT });
  expect(errorsOf(result)).toBe("");
  if ("errors" in result) return;
  const { root, tasks, graphs } = readProgram(result.closure);
  expect(root.key).toBe("p:d:dyn:v");
  expect([...graphs.keys()]).toEqual(["p:d:dyn:v", "p:d:sub:v"]);
  expect([...tasks.keys()]).toEqual(["p:d:inc:v"]);
  expect(root.nodes.map(({ id }) => id)).toEqual(["start-node", "end-node", "dn0", "dn1"]);
  expect(root.nodes[root.end]).toMatchObject({ inDegree: 1, bindings: [{ var: "o" }] });
});

test("a task, or a sub-workflow, that is written twice is one", () => {
  const sub = workflowOf({ name: "sub", nodes: [nodeOf("n0", { x: one }, { target: runs("inc") })] });
  const spec = specOf([nodeOf("dn0", { x: one }, { target: runs("inc") })], "dn0.o", {
    tasks: [templateOf(INC), templateOf(INC), { type: "nameless" }],
    subworkflows: [sub, sub],
  });
  const result = compileDynamic({ spec, task: PARENT });
  expect("closure" in result && result.closure.subWorkflows).toHaveLength(1);
  expect("closure" in result && result.closure.tasks).toHaveLength(1);
});

test("launch plans, and tasks that were not written along, are required and then known", () => {
  const spec = specOf(
    [nodeOf("dn0", { x: one }, { target: runs("other") }), nodeOf("dn1", { x: "dn0.o" }, { target: launches("lp") })],
    "dn0.o",
    { tasks: [templateOf(INC), { type: "nameless" }] },
  );
  const required = requiredByDynamic(spec);
  expect(required.tasks.map(({ name }) => name)).toEqual(["other"]);
  expect(required.launchPlans.map(({ name }) => name)).toEqual(["lp"]);
  expect(errorsOf(compileDynamic({ spec, task: PARENT }))).toMatch(/TaskReferenceNotFound.*WorkflowReferenceNotFound/s);
  const [id] = required.launchPlans;
  if (!id) throw new Error("a launch plan is required");
  const known = { tasks: [taskOf("other", { x: INT }, { o: INT })], launchPlans: [{ id }] };
  expect(errorsOf(compileDynamic({ spec, task: PARENT, ...known }))).toMatch(
    /Variable \[x\] not found on node \[dn1\]/,
  );
  const expectedInputs = create(ParameterMapSchema, { parameters: { x: {} } });
  const untyped = compileDynamic({ spec, task: PARENT, ...known, launchPlans: [{ id, expectedInputs }] });
  expect(errorsOf(untyped)).toBe("");
});

test("a workflow that does not fit together is told as at registration", () => {
  const list = templateOf(taskOf("dyn", {}, { o: listOf(INT) }));
  const node = nodeOf("dn0", { x: one }, { target: runs("inc") });
  expect(errorsOf(compileDynamic({ spec: specOf([node], "dn0.o"), task: list }))).toMatch(/Code: MismatchingTypes/);
  expect(errorsOf(compileDynamic({ spec: specOf([], one), task: PARENT }))).toMatch(/Code: NoNodesFound/);
});

test("tasks are checked as at registration", () => {
  const spec = specOf([nodeOf("dn0", { x: one }, { target: runs("inc") })], "dn0.o", {
    tasks: [{ id: INC.template?.id ?? {}, interface: {} }],
  });
  expect(errorsOf(compileDynamic({ spec, task: PARENT }))).toBe(
    "Collected Errors: 1\n\tError 0: Code: InvalidValue, Node Id: start-node, Description: Task [inc]: template.type is missing",
  );
});

test("a task that declares no outputs may write a workflow, and what was written stays as it is", () => {
  const { interface: _, ...silent } = templateOf(taskOf("dyn", {}, {}));
  const spec = specOf([nodeOf("dn0", { x: one }, { target: runs("inc") })], one, { outputs: [] });
  const before = structuredClone(spec);
  expect(errorsOf(compileDynamic({ spec, task: silent }))).toBe("");
  expect(spec).toEqual(before);
});

test("5,000 nodes compile in less than a second of CPU", () => {
  const nodes = Array.from({ length: 5_000 }, (_, index) =>
    nodeOf(`dn${index}`, { x: index % 2 ? `dn${index - 1}.o` : one }, { target: runs("inc") }),
  );
  const promises = nodes.map(({ id }) => ({ value: { case: "promise" as const, value: { nodeId: id, var: "o" } } }));
  const spec = specOf(nodes, { value: { case: "collection", value: { bindings: promises } } });
  const before = process.cpuUsage();
  expect(errorsOf(compileDynamic({ spec, task: templateOf(taskOf("dyn", {}, { o: listOf(INT) })) }))).toBe("");
  expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
});

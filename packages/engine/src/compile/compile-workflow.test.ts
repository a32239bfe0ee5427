import { create } from "@bufbuild/protobuf";
import {
  CompiledTaskSchema,
  type Node,
  ParameterMapSchema,
  ResourceType,
  TypedInterfaceSchema,
  VariableMapSchema,
  type WorkflowTemplate,
  WorkflowTemplateSchema,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { INT, listOf, NONE, STR, STRUCT, unionOf, variables } from "../../test/literals.ts";
import {
  contains,
  idOf,
  launches,
  nodeOf,
  runs,
  type TemplateParts,
  taskOf,
  workflowOf,
} from "../../test/templates.ts";
import { type CompileError, describeCompileErrors } from "./compile-error.ts";
import { compileWorkflow } from "./compile-workflow.ts";
import type { LaunchPlanInterface } from "./scope.ts";

const TASKS = [
  taskOf("inc", { x: INT }, { o: INT }),
  taskOf("say", { text: STR }, { o: STR }),
  taskOf("sum", { xs: listOf(INT) }, { o: INT }),
  taskOf("maybe", { x: unionOf(INT, NONE) }, { o: unionOf(INT, NONE) }),
  taskOf("point", {}, { o: STRUCT }),
  taskOf("quiet", {}, {}),
  taskOf("split", { x: INT }, { left: INT, right: INT }),
];

const PLANS: LaunchPlanInterface[] = [
  {
    id: idOf(ResourceType.LAUNCH_PLAN, "plan"),
    expectedInputs: create(ParameterMapSchema, {
      parameters: {
        x: { var: { type: INT }, behavior: { case: "required", value: true } },
        text: { var: { type: STR }, behavior: { case: "default", value: {} } },
      },
    }),
    expectedOutputs: variables({ o: INT }),
  },
];

const compile = (template: WorkflowTemplate, subWorkflows: readonly WorkflowTemplate[] = []) =>
  compileWorkflow({ template, subWorkflows, tasks: TASKS, launchPlans: PLANS });

const compiled = (parts: TemplateParts, subWorkflows: readonly WorkflowTemplate[] = []) => {
  const result = compile(workflowOf(parts), subWorkflows);
  if ("errors" in result) throw new Error(describeCompileErrors(result.errors));
  return result.closure;
};

const errorsOf = (parts: TemplateParts, subWorkflows: readonly WorkflowTemplate[] = []): readonly CompileError[] => {
  const result = compile(workflowOf(parts), subWorkflows);
  return "errors" in result ? result.errors : [];
};

const codes = (errors: readonly CompileError[]): string[] => errors.map(({ code, nodeId }) => `${nodeId} ${code}`);

const lists = (ids: Record<string, { ids: string[] }> = {}): Record<string, string[]> =>
  Object.fromEntries(Object.entries(ids).map(([id, list]) => [id, list.ids]));

test("nodes are linked from start-node to end-node, in sorted lists", () => {
  const { primary } = compiled({
    inputs: { x: INT },
    outputs: { o: [INT, "b.o"] },
    nodes: [
      nodeOf("b", { x: "a.o" }, { target: runs("inc") }),
      nodeOf("a", { x: ".x" }, { target: runs("inc") }),
      nodeOf("c", {}, { target: runs("quiet"), upstreamNodeIds: ["b", "a"] }),
    ],
  });
  expect(primary?.template?.nodes.map((node) => node.id)).toEqual(["start-node", "end-node", "b", "a", "c"]);
  expect(primary?.template?.nodes[4]?.upstreamNodeIds).toEqual(["a", "b"]);
  expect(lists(primary?.connections?.downstream)).toEqual({
    "start-node": ["a"],
    a: ["b", "c"],
    b: ["c", "end-node"],
    c: ["end-node"],
  });
  expect(lists(primary?.connections?.upstream)).toEqual({
    a: ["start-node"],
    b: ["a"],
    c: ["a", "b"],
    "end-node": ["b", "c"],
  });
});

test("a workflow input is a promise of the start-node, and workflow outputs are the end-node's inputs", () => {
  const closure = compiled({
    inputs: { x: INT },
    outputs: { o: [INT, ".x"] },
    nodes: [nodeOf("a", {}, { target: runs("quiet"), upstreamNodeIds: [""] })],
  });
  const template = closure.primary?.template;
  expect(template?.nodes[1]?.inputs).toEqual(template?.outputs);
  expect(template?.outputs[0]?.binding?.value.value).toMatchObject({ nodeId: "start-node", var: "x" });
});

test("compiling a compiled workflow again makes the same", () => {
  const once = compiled({ inputs: { x: INT }, nodes: [nodeOf("a", { x: ".x" }, { target: runs("inc") })] });
  const again = compile(once.primary?.template as WorkflowTemplate);
  expect("closure" in again && again.closure).toEqual(once);
});

test("a closure holds each task that is used anywhere once, and no other", () => {
  const sub = workflowOf({ name: "sub", nodes: [nodeOf("s", {}, { target: runs("quiet") })] });
  const closure = compiled(
    {
      inputs: { x: INT },
      nodes: [
        nodeOf("a", { x: ".x" }, { target: runs("inc") }),
        nodeOf("b", { x: ".x" }, { target: runs("inc") }),
        nodeOf("c", {}, { target: contains("sub") }),
        nodeOf("m", { x: ".x" }, { target: { case: "arrayNode", value: { node: { target: runs("maybe") } } } }),
      ],
      failureNode: nodeOf("f", {}, { target: runs("point") }),
    },
    [sub],
  );
  expect(closure.tasks.map((task) => task.template?.id?.name)).toEqual(["inc", "maybe", "point", "quiet"]);
  expect(closure.subWorkflows[0]?.template?.nodes.map((node) => node.id)).toEqual(["start-node", "end-node", "s"]);
  expect(lists(closure.subWorkflows[0]?.connections?.upstream)).toEqual({ s: ["start-node"], "end-node": ["s"] });
});

test("the failure node waits for what it reads and stays out of the graph", () => {
  const { primary } = compiled({
    inputs: { x: INT },
    nodes: [nodeOf("a", { x: ".x" }, { target: runs("inc") })],
    failureNode: nodeOf("f", { x: ".x" }, { target: runs("inc") }),
  });
  expect(primary?.template?.nodes).toHaveLength(3);
  expect(lists(primary?.connections?.upstream).f).toEqual(["start-node"]);
  expect(lists(primary?.connections?.downstream)["start-node"]).toEqual(["a"]);
});

test("a launch plan's default may be left out or bound over, and a node's alias renames an output", () => {
  compiled({
    inputs: { x: INT },
    outputs: { o: [INT, "b.renamed"] },
    nodes: [
      nodeOf("a", { x: ".x" }, { target: launches("plan") }),
      nodeOf(
        "b",
        { x: "a.o", text: scalarText },
        { target: launches("plan"), outputAliases: [{ var: "o", alias: "renamed" }] },
      ),
    ],
  });
});

const scalarText = {
  value: {
    case: "scalar" as const,
    value: {
      value: {
        case: "primitive" as const,
        value: { value: { case: "stringValue" as const, value: "hi" } },
      },
    },
  },
};

test("a launch plan may take nothing and hand out nothing", () => {
  const bare = [{ id: idOf(ResourceType.LAUNCH_PLAN, "bare") }];
  const codesOf = (node: Node): string[] => {
    const result = compileWorkflow({ template: workflowOf({ nodes: [node] }), tasks: [], launchPlans: bare });
    return "errors" in result ? codes(result.errors) : [];
  };
  expect(codesOf(nodeOf("a", {}, { target: launches("bare") }))).toEqual([]);
  expect(codesOf(nodeOf("a", { x: scalarText }, { target: launches("bare") }))).toEqual(["a VariableNameNotFound"]);
});

test("an alias renames one output and leaves the others", () => {
  const nodeWith = (output: string) => ({
    inputs: { x: INT },
    outputs: { o: [INT, output] as const },
    nodes: [nodeOf("a", { x: ".x" }, { target: runs("split"), outputAliases: [{ var: "left", alias: "l" }] })],
  });
  expect(["a.l", "a.right"].flatMap((output) => errorsOf(nodeWith(output)))).toEqual([]);
  expect(codes(errorsOf(nodeWith("a.left")))).toEqual(["end-node VariableNameNotFound"]);
});

test("a mapped launch plan takes and gives lists, except for what is bound whole", () => {
  const errors = errorsOf({
    inputs: { xs: listOf(INT), text: STR },
    outputs: { o: [listOf(INT), "m.o"] },
    nodes: [
      nodeOf(
        "m",
        { x: ".xs", text: ".text" },
        {
          target: {
            case: "arrayNode",
            value: { isOriginalSubNodeInterface: true, boundInputs: ["text"], node: { target: launches("plan") } },
          },
        },
      ),
    ],
  });
  expect(errors).toEqual([]);
});

test("all errors are reported together, each with its node", () => {
  const errors = errorsOf({
    inputs: { x: INT },
    outputs: { o: [STR, "a.o"], p: [INT, "gone.o"] },
    nodes: [
      nodeOf("a", { x: ".x" }, { target: runs("inc") }),
      nodeOf("b", { text: "a.o" }, { target: runs("say") }),
      nodeOf("c", { x: "a.nothing" }, { target: runs("inc") }),
      nodeOf("d", {}, { target: runs("missing") }),
      nodeOf("e", {}, { target: contains("missing") }),
      nodeOf("f", {}, { target: launches("missing") }),
      nodeOf("g", { x: ".x", y: ".x" }, { target: runs("inc") }),
      nodeOf("h", {}, { target: runs("inc") }),
      nodeOf("i", {}, {}),
      nodeOf("i", {}, { target: runs("quiet") }),
      nodeOf("", {}, { target: runs("quiet") }),
      nodeOf("j", {}, { target: runs("quiet"), upstreamNodeIds: ["nobody"] }),
      nodeOf("k", {}, { target: { case: "taskNode", value: {} } }),
      nodeOf("l", { x: ".a-b" }, { target: runs("inc") }),
    ],
  });
  expect(codes(errors).sort()).toEqual(
    [
      "b MismatchingTypes",
      "c VariableNameNotFound",
      "d TaskReferenceNotFound",
      "e WorkflowReferenceNotFound",
      "f WorkflowReferenceNotFound",
      "g VariableNameNotFound",
      "h ParameterNotBound",
      "i ValueRequired",
      "i DuplicateId",
      "<node> ValueRequired",
      "j NodeReferenceNotFound",
      "k ValueRequired",
      "l SyntaxError",
      "end-node MismatchingTypes",
      "end-node NodeReferenceNotFound",
    ].sort(),
  );
  expect(errors.find(({ nodeId }) => nodeId === "b")?.description).toBe(
    "The output variable 'o' has type [int], but it's assigned to the input variable 'text' which has type [str].",
  );
});

test("errors of sub-workflows name the workflow", () => {
  const sub = workflowOf({ name: "sub", nodes: [nodeOf("s", {}, { target: runs("inc") })] });
  const errors = errorsOf(
    { nodes: [nodeOf("a", {}, { target: contains("sub") }), nodeOf("b", {}, { target: runs("inc") })] },
    [sub],
  );
  expect(describeCompileErrors(errors)).toBe(
    [
      "Collected Errors: 2",
      "\tError 0: Code: ParameterNotBound, Workflow: wf, Node Id: b, Description: Parameter not bound [x].",
      "\tError 1: Code: ParameterNotBound, Workflow: sub, Node Id: s, Description: Parameter not bound [x].",
    ].join("\n"),
  );
  expect(describeCompileErrors(errors.slice(0, 1))).toContain("Code: ParameterNotBound, Node Id: b,");
});

test("what has no id cannot be referred to, and errors of a workflow without one name none", () => {
  const template = create(WorkflowTemplateSchema, {
    nodes: [nodeOf("a", {}, { target: runs("odd") }), nodeOf("b", {}, { target: contains("sub") })],
  });
  const sub = create(WorkflowTemplateSchema, { nodes: [nodeOf("s", {}, { target: runs("quiet") })] });
  const result = compileWorkflow({ template, subWorkflows: [sub], tasks: [...TASKS, create(CompiledTaskSchema)] });
  expect("errors" in result && result.errors).toEqual([
    { code: "TaskReferenceNotFound", workflow: "", nodeId: "a", description: "Referenced Task [p:d:odd:v] not found." },
    {
      code: "WorkflowReferenceNotFound",
      workflow: "",
      nodeId: "b",
      description: "Referenced Workflow [p:d:sub:v] not found.",
    },
  ]);
});

test("a workflow without nodes is refused", () => {
  expect(codes(errorsOf({ nodes: [] }))).toEqual(["start-node NoNodesFound"]);
});

test("every variable of a workflow and of what its nodes refer to has a name and a type", () => {
  const untyped = create(VariableMapSchema, { variables: { x: {}, "": { type: INT } } });
  const template = workflowOf({ nodes: [nodeOf("a", {}, { target: runs("odd") })] });
  template.interface = create(TypedInterfaceSchema, { inputs: untyped });
  const odd = taskOf("odd", {}, {});
  if (odd.template) odd.template.interface = create(TypedInterfaceSchema, { outputs: untyped });
  const result = compileWorkflow({ template, tasks: [odd] });
  expect(codes("errors" in result ? result.errors : [])).toEqual([
    "start-node ValueRequired",
    "start-node ValueRequired",
    "a ValueRequired",
    "a ValueRequired",
  ]);
});

test("every cycle is reported with its path, however long", () => {
  const ring = Array.from({ length: 10_000 }, (_, index) =>
    nodeOf(`r${index}`, { x: `r${(index + 1) % 10_000}.o` }, { target: runs("inc") }),
  );
  const errors = errorsOf({
    nodes: [
      ...ring,
      nodeOf("a", { x: "b.o" }, { target: runs("inc") }),
      nodeOf("b", { x: "a.o" }, { target: runs("inc") }),
      nodeOf("c", { x: "b.o" }, { target: runs("inc") }),
    ],
  });
  expect(codes(errors)).toEqual([
    "start-node CycleDetected",
    "start-node CycleDetected",
    "start-node UnreachableNodes",
  ]);
  expect(errors[1]?.description).toMatch(/\[(a>b>a|b>a>b)\]/);
});

test("a cycle that a run would come to is a cycle too", () => {
  const errors = errorsOf({
    nodes: [
      nodeOf("a", {}, { target: runs("quiet") }),
      nodeOf("b", {}, { target: runs("quiet"), upstreamNodeIds: ["a", "c"] }),
      nodeOf("c", {}, { target: runs("quiet"), upstreamNodeIds: ["b"] }),
    ],
  });
  expect(codes(errors)).toEqual(["start-node CycleDetected"]);
});

test("sub-workflows that contain themselves are refused", () => {
  const left = workflowOf({ name: "left", nodes: [nodeOf("l", {}, { target: contains("right") })] });
  const right = workflowOf({ name: "right", nodes: [nodeOf("r", {}, { target: contains("left") })] });
  const errors = errorsOf({ nodes: [nodeOf("a", {}, { target: contains("left") })] }, [left, right]);
  expect(codes(errors)).toEqual(["start-node CycleDetected"]);
  expect(errors[0]?.description).toContain("p:d:left:v>p:d:right:v>p:d:left:v");
});

test("aliases must be unique and name an output", () => {
  const errors = errorsOf({
    inputs: { x: INT },
    nodes: [
      nodeOf(
        "a",
        { x: ".x" },
        {
          target: runs("inc"),
          outputAliases: [
            { var: "o", alias: "p" },
            { var: "o", alias: "q" },
            { var: "gone", alias: "r" },
          ],
        },
      ),
    ],
  });
  expect(codes(errors)).toEqual(["a DuplicateAlias", "a ParameterNotBound"]);
});

test.each(["chain", "fan"])("a %s of 10,000 nodes compiles in well under 2 s", (shape) => {
  const nodes = Array.from({ length: 10_000 }, (_, index) =>
    nodeOf(`n${index}`, { x: shape === "fan" || index === 0 ? ".x" : `n${index - 1}.o` }, { target: runs("inc") }),
  );
  const template = workflowOf({ inputs: { x: INT }, outputs: { o: [INT, "n9999.o"] }, nodes });
  const before = performance.now();
  expect("closure" in compile(template)).toBe(true);
  expect(performance.now() - before).toBeLessThan(2_000);
});

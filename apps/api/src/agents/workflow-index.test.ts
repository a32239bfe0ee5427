import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import { CompiledWorkflowClosureSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { findPlace, readWorkflowIndex, taskTemplateOf, type WorkflowIndex } from "./workflow-index.ts";

const taskId = { project: "p", domain: "d", name: "t", version: "v1" };
const subId = { ...taskId, name: "sub" };
const TASK_KEY = "p:d:t:v1";

/** A node of the task with an image that tells it from all others. */
const taskNode = (id: string, containerImage: string) => ({
  id,
  target: {
    case: "taskNode" as const,
    value: { reference: { case: "referenceId" as const, value: taskId }, overrides: { containerImage } },
  },
});
const subNode = (id: string) => ({
  id,
  target: { case: "workflowNode" as const, value: { reference: { case: "subWorkflowRef" as const, value: subId } } },
});
const mapOf = (id: string, node: ReturnType<typeof taskNode> | ReturnType<typeof subNode>) => ({
  id,
  target: { case: "arrayNode" as const, value: { node } },
});
const branch = {
  id: "branch",
  target: {
    case: "branchNode" as const,
    value: {
      ifElse: {
        case: { thenNode: taskNode("branch-if", "if:1") },
        other: [{ thenNode: subNode("branch-elif") }],
        default: { case: "elseNode" as const, value: taskNode("branch-else", "else:1") },
      },
    },
  },
};
const tasks = [{ template: { id: taskId, target: { case: "container" as const, value: { image: "plain:1" } } } }];

const indexOf = (nodes: object[], failureNode?: object): WorkflowIndex =>
  readWorkflowIndex(
    toBytes(
      CompiledWorkflowClosureSchema,
      create(CompiledWorkflowClosureSchema, {
        primary: { template: { nodes, ...(failureNode && { failureNode }) } },
        subWorkflows: [{ template: { id: subId, nodes: [taskNode("n0", "sub:1"), branch] } }],
        tasks,
      }),
    ),
  );

const root = indexOf(
  [taskNode("n0", "root:1"), subNode("n1"), branch, mapOf("n2", taskNode("n2-m", "item:1")), mapOf("n3", subNode("x"))],
  taskNode("efn", "failure:1"),
);
/** What the task at ordinal 7 wrote; inside of it, another at 9 did the same. */
const written = indexOf([taskNode("n0", "written:1"), subNode("dn1"), mapOf("dn2", taskNode("m", "written-item:1"))]);
const writtenAgain = indexOf([taskNode("n0", "deep:1")]);

const step = (specNodeId: string, kind: "task" | "workflow" | "branch" | "array" = "task", expandedAt?: number) => ({
  ordinal: expandedAt ?? 2,
  specNodeId,
  kind,
  isExpanded: expandedAt !== undefined,
});

test.each([
  ["a node of the run's graph", [step("n0")], "root:1"],
  ["the failure node", [step("efn")], "failure:1"],
  ["a node of a sub-workflow", [step("n1", "workflow"), step("n0")], "sub:1"],
  ["a branch's first choice", [step("branch", "branch"), step("branch-if")], "if:1"],
  ["a branch's last choice", [step("branch", "branch"), step("branch-else")], "else:1"],
  [
    "a node of the sub-workflow that a branch chose",
    [step("branch", "branch"), step("branch-elif", "workflow"), step("n0")],
    "sub:1",
  ],
  ["a branch in a sub-workflow", [step("n1", "workflow"), step("branch", "branch"), step("branch-if")], "if:1"],
  ["an item of a map", [step("n2", "array"), step("n17")], "item:1"],
  ["an item of a task that maps itself", [step("n0", "array"), step("n17")], "root:1"],
  ["a node of a mapped sub-workflow", [step("n3", "array"), step("n4", "workflow"), step("n0")], "sub:1"],
  ["a node that a task wrote", [step("n0", "task", 7), step("n0")], "written:1"],
  ["a node of a written sub-workflow", [step("n0", "task", 7), step("dn1", "workflow"), step("n0")], "sub:1"],
  ["an item of a written map", [step("n0", "task", 7), step("dn2", "array"), step("n0")], "written-item:1"],
  ["a node that a written task wrote", [step("n0", "task", 7), step("n0", "task", 9), step("n0")], "deep:1"],
  ["a node that an item's task wrote", [step("n2", "array"), step("n0", "task", 7), step("n0")], "written:1"],
])("%s is found with its overrides", async (_, path, image) => {
  const place = await findPlace(root, path, async (ordinal) => (ordinal === 7 ? written : writtenAgain));
  const { target } = taskTemplateOf(place, TASK_KEY);
  expect(target.case === "container" && target.value.image).toBe(image);
});

test("a node that the graph does not hold leaves the task as it was registered", async () => {
  const place = await findPlace(root, [step("gone", "workflow"), step("n0")], () => Promise.reject(new Error("none")));
  const { target } = taskTemplateOf(place, TASK_KEY);
  expect(target.case === "container" && target.value.image).toBe("plain:1");
});

test("a task that the graph does not hold is an error that names it", () => {
  expect(() => taskTemplateOf({ index: root, node: undefined }, "p:d:other:v1")).toThrow("p:d:other:v1");
});

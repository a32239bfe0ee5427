import { create } from "@bufbuild/protobuf";
import { CompiledTaskSchema, TaskMetadataSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { INT, STR } from "../../test/literals.ts";
import { taskOf } from "../../test/templates.ts";
import { singleTaskWorkflow } from "./single-task-workflow.ts";

test("a single task becomes a hidden workflow with one node that takes its inputs and gives its outputs", () => {
  const { id, template, closure, expectedInputs, expectedOutputs } = singleTaskWorkflow(
    taskOf("wf.add", { b: INT, a: INT }, { o: STR }),
  );
  expect(id).toMatchObject({ project: "p", domain: "d", name: ".flytegen.wf.add", version: "v" });
  expect(template.nodes.map((node) => node.id)).toEqual(["wfadd"]);
  expect(closure.primary?.connections?.downstream["start-node"]?.ids).toEqual(["wfadd"]);
  expect(closure.primary?.template?.nodes[2]?.inputs.map((binding) => binding.var)).toEqual(["a", "b"]);
  expect(Object.values(expectedInputs.parameters).map(({ behavior }) => behavior.case)).toEqual([
    "required",
    "required",
  ]);
  expect(Object.keys(expectedOutputs.variables)).toEqual(["o"]);
});

test.each([
  ["my.pkg.task-1", "mypkgtask-1"],
  [`x.${"y".repeat(80)}`, "y".repeat(63)],
  [`${"y".repeat(62)}.${"z".repeat(10)}`, "y".repeat(52) + "z".repeat(10)],
  ["...", "n0"],
  ["end-node", "n0"],
])("the node of task %s is called %s", (name, nodeId) => {
  expect(singleTaskWorkflow(taskOf(name, {}, {})).template.nodes[0]?.id).toBe(nodeId);
});

test("the node has the task's retries, timeout and interruptibility", () => {
  const task = taskOf("t", {}, {});
  if (task.template) {
    task.template.metadata = create(TaskMetadataSchema, {
      retries: { retries: 2 },
      timeout: { seconds: 5n },
      interruptibleValue: { case: "interruptible", value: true },
    });
  }
  expect(singleTaskWorkflow(task).template.nodes[0]?.metadata).toMatchObject({
    retries: { retries: 2 },
    timeout: { seconds: 5n },
    interruptibleValue: { case: "interruptible", value: true },
  });
});

test("a task without an interface takes and gives nothing", () => {
  const { template } = taskOf("t", {}, {});
  const bare = create(CompiledTaskSchema, { template: { ...(template?.id ? { id: template.id } : {}), type: "echo" } });
  expect(singleTaskWorkflow(bare).expectedInputs.parameters).toEqual({});
});

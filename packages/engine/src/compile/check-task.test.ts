import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerSchema,
  LiteralTypeSchema,
  Resources_ResourceName as Name,
  TaskTemplateSchema,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { INT, listOf, mapOf, unionOf, variables } from "../../test/literals.ts";
import { checkTask } from "./check-task.ts";

type Container = MessageInitShape<typeof ContainerSchema>;

const taskWith = (value: Container) =>
  create(TaskTemplateSchema, { type: "python-task", interface: {}, target: { case: "container", value } });

const withResources = (requests: [Name, string][], limits: [Name, string][]) => {
  const entries = (list: [Name, string][]) => list.map(([name, value]) => ({ name, value }));
  return taskWith({ image: "i", resources: { requests: entries(requests), limits: entries(limits) } });
};

test("a task with an image, and one without a container, are right", () => {
  expect(checkTask(taskWith({ image: "i" }))).toEqual([]);
  expect(checkTask(create(TaskTemplateSchema, { type: "echo", interface: {} }))).toEqual([]);
});

test("everything that is missing is told by its field", () => {
  expect(checkTask(create(TaskTemplateSchema, { target: { case: "container", value: {} } }))).toEqual([
    "template.type is missing",
    "template.interface is missing",
    "template.container.image is missing",
  ]);
  const pod = create(TaskTemplateSchema, { type: "sidecar", interface: {}, target: { case: "k8sPod", value: {} } });
  expect(checkTask(pod)).toEqual(["template.k8s_pod.pod_spec is missing"]);
  if (pod.target.case === "k8sPod") pod.target.value.podSpec = {};
  expect(checkTask(pod)).toEqual([]);
});

test("variables have types, also inside lists, maps and unions", () => {
  const untyped = create(LiteralTypeSchema);
  const types = {
    inputs: variables({ a: unionOf(INT, listOf(untyped)) }),
    outputs: variables({ b: mapOf(INT), c: untyped }),
  };
  expect(checkTask(create(TaskTemplateSchema, { type: "echo", interface: types }))).toEqual([
    "template.interface.inputs.a has no type that this server knows",
    "template.interface.outputs.c has no type that this server knows",
  ]);
});

test("requests up to their limits are right, and names that nobody checks are left alone", () => {
  const task = withResources(
    [
      [Name.CPU, "500m"],
      [Name.MEMORY, "1Gi"],
      [Name.UNKNOWN, "lots"],
    ],
    [
      [Name.CPU, "1"],
      [Name.MEMORY, "1024Mi"],
      [Name.GPU, "1"],
    ],
  );
  expect(checkTask(task, new Map([[Name.CPU, "1"]]))).toEqual([]);
});

test("quantities must parse, be given once, and stay below their limits", () => {
  const task = withResources(
    [
      [Name.CPU, "2"],
      [Name.CPU, "3"],
      [Name.MEMORY, "much"],
      [Name.STORAGE, "-1"],
      [Name.EPHEMERAL_STORAGE, "2Gi"],
    ],
    [
      [Name.CPU, "1"],
      [Name.EPHEMERAL_STORAGE, "2G"],
    ],
  );
  expect(checkTask(task)).toEqual([
    "template.container.resources.requests: cpu is given more than once",
    'template.container.resources.requests: memory "much" is not a Kubernetes quantity, such as 500m, 2 or 1.5Gi',
    'template.container.resources.requests: storage "-1" is not a Kubernetes quantity, such as 500m, 2 or 1.5Gi',
    "template.container.resources: the cpu request 2 is above its limit 1",
    "template.container.resources: the ephemeral storage request 2Gi is above its limit 2G",
  ]);
});

test("GPUs are whole, and a request for them equals its limit", () => {
  expect(checkTask(withResources([[Name.GPU, "500m"]], []))).toEqual([
    "template.container.resources: gpu must be a whole number",
  ]);
  expect(checkTask(withResources([[Name.GPU, "1"]], [[Name.GPU, "2"]]))).toEqual([
    "template.container.resources: the gpu request 1 must equal its limit 2",
  ]);
});

test("nobody may ask for more than the server allows", () => {
  const most = new Map([
    [Name.CPU, "4"],
    [Name.MEMORY, "8Gi"],
  ]);
  expect(checkTask(withResources([[Name.CPU, "1"]], [[Name.CPU, "5"]]), most)).toEqual([
    "template.container.resources: cpu 5 is above this server's maximum of 4",
  ]);
  expect(checkTask(withResources([[Name.MEMORY, "9Gi"]], []), most)).toEqual([
    "template.container.resources: memory 9Gi is above this server's maximum of 8Gi",
  ]);
});

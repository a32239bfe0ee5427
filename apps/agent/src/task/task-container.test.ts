import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TaskTemplateSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { resourceLimits } from "./resources.ts";
import { commandWords, containerOf } from "./task-container.ts";

type Template = MessageInitShape<typeof TaskTemplateSchema>;
type Pod = NonNullable<Extract<NonNullable<Template["target"]>, { case: "k8sPod" }>["value"]>["podSpec"];

const podOf = (podSpec: Pod, config: Record<string, string> = {}) =>
  create(TaskTemplateSchema, { type: "sidecar", config, target: { case: "k8sPod", value: { podSpec } } });

const main = {
  name: "main",
  image: "one:1",
  command: ["run"],
  args: ["{{.input}}"],
  env: [
    { name: "A", value: "1" },
    { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
  ],
  resources: { limits: { cpu: 2, memory: "1Gi", "nvidia.com/gpu": "1" }, requests: { cpu: "1" } },
};
const side = { name: "side", image: "side:1", args: ["{{.outputPrefix}}"] };

test("a pod of one container is that container, on any runtime", () => {
  const container = containerOf(podOf({ containers: [main] }), false);
  expect(container).toMatchObject({ image: "one:1", command: ["run"], args: ["{{.input}}"] });
  expect(container.env.map(({ key, value }) => [key, value])).toEqual([["A", "1"]]);
  expect(resourceLimits(container.resources)).toMatchObject({ cpuMillis: 2_000, memoryBytes: 2 ** 30 });
});

test("of several containers the task is the primary one", () => {
  const pod = { containers: [side, main], initContainers: [{ name: "init", command: ["first"] }] };
  const template = podOf(pod, { primary_container_name: "main" });
  expect(containerOf(template, true).image).toBe("one:1");
  expect(commandWords(template)).toEqual(["{{.outputPrefix}}", "run", "{{.input}}", "first"]);
});

test("a pod that needs Kubernetes says so elsewhere", () => {
  const template = podOf({ containers: [side, main] }, { primary_container_name: "main" });
  const message = "The task is a pod of 2 containers: it needs a pool with the kubernetes runtime";
  expect(() => containerOf(template, false)).toThrow(expect.objectContaining({ code: "unimplemented", message }));
  const withInit = podOf({ containers: [main], initContainers: [side] });
  expect(() => containerOf(withInit, false)).toThrow(/pod of 2 containers/);
});

test.each([
  [podOf({ containers: [side, main] }), /does not say which one/],
  [podOf({ containers: [side, main] }, { primary_container_name: "other" }), /"other" is none of them/],
  [podOf({ containers: [] }), /pod_spec\.containers/],
  [podOf({ containers: [{ name: "main", args: [1] }] }), /pod_spec\.containers\.0\.args\.0/],
])("a pod that is none is refused in words", (template, message) => {
  expect(() => containerOf(template, true)).toThrow(
    expect.objectContaining({ code: "invalid_argument", message: expect.stringMatching(message) }),
  );
});

test("a task without container or pod cannot run", () => {
  const template = create(TaskTemplateSchema, { type: "spark" });
  expect(() => containerOf(template, true)).toThrow(/task of type "spark" without a container/);
});

import { Resources_ResourceName } from "@skein/idl/core";
import { expect, test } from "vitest";
import { type LaunchChange, makeLaunch, makeSettings, podTask } from "./launch.testsuite.ts";
import { toPod } from "./to-pod.ts";

const specOf = (change: LaunchChange, rules: object = {}) =>
  toPod(makeLaunch(change), makeSettings(rules), undefined).pod.spec;
const gpuTask = (accelerator: object, gpus = "1") => ({
  target: {
    case: "container" as const,
    value: { resources: { limits: [{ name: Resources_ResourceName.GPU, value: gpus }] } },
  },
  extendedResources: { gpuAccelerator: accelerator },
});
const equal = (key: string, value: string) => ({ key, operator: "Equal", value, effect: "NoSchedule" });
const inside = (key: string, ...values: string[]) => ({ key, operator: "In", values });
const required = (matchExpressions: object[]) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
});

test("an interruptible task goes to spot nodes and any other stays away from them", () => {
  const rules = {
    interruptible: {
      nodeSelector: { "karpenter.sh/capacity-type": "spot" },
      tolerations: [equal("spot", "true")],
      nodeRequirements: [inside("kind", "spot")],
    },
    uninterruptible: { nodeRequirements: [{ key: "kind", operator: "NotIn", values: ["spot"] }] },
  };
  expect(specOf({ grant: { interruptible: true } }, rules)).toMatchObject({
    nodeSelector: { "karpenter.sh/capacity-type": "spot" },
    tolerations: [equal("spot", "true")],
    affinity: required([inside("kind", "spot")]),
  });
  const other = specOf({}, rules);
  expect(other?.affinity).toEqual(required([{ key: "kind", operator: "NotIn", values: ["spot"] }]));
  expect(other?.tolerations).toBeUndefined();
});

test("a pod's own alternatives do not lead around the administrator's placement", () => {
  const nodeSelectorTerms = [
    { matchExpressions: [inside("zone", "a")] },
    { matchFields: [inside("metadata.name", "n")] },
  ];
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
  const template = podTask({ affinity, containers: [{ name: "main", image: "i" }] });
  const spec = specOf({ template }, { placement: { nodeRequirements: [inside("pool", "tasks")] } });
  expect(spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual([
    { matchExpressions: [inside("zone", "a"), inside("pool", "tasks")] },
    { matchFields: [inside("metadata.name", "n")], matchExpressions: [inside("pool", "tasks")] },
  ]);
});

test.each([
  [{ nodeSelector: { pool: "mine" } }, 'nodeSelector["pool"] must be tasks'],
  [{ runtimeClassName: "runc" }, "runtimeClassName must be gvisor"],
  [{ schedulerName: "mine" }, "schedulerName must be volcano"],
])("a pod that chooses %j against the administrator is refused", (own, message) => {
  const rules = {
    placement: { nodeSelector: { pool: "tasks" } },
    runtimeClassName: "gvisor",
    schedulerName: "volcano",
  };
  const template = podTask({ ...own, containers: [{ name: "main", image: "i" }] });
  expect(() => specOf({ template }, rules)).toThrow(message);
  expect(specOf({}, rules)).toMatchObject({
    nodeSelector: { pool: "tasks" },
    runtimeClassName: "gvisor",
    schedulerName: "volcano",
  });
});

test("an accelerator is found by its node's labels, and its nodes' taints are tolerated", () => {
  const [device, size] = ["k8s.amazonaws.com/accelerator", "k8s.amazonaws.com/gpu-partition-size"];
  const a100 = inside(device, "nvidia-tesla-a100");
  const spec = specOf({
    template: gpuTask({ device: "a100", partitionSizeValue: { case: "partitionSize", value: "1g.5gb" } }),
  });
  expect(spec?.affinity).toEqual(required([a100, inside(size, "1g.5gb")]));
  expect(spec?.tolerations).toEqual([equal(device, "nvidia-tesla-a100"), equal(size, "1g.5gb")]);
  const whole = { device: "A100", partitionSizeValue: { case: "unpartitioned", value: true } };
  expect(specOf({ template: gpuTask(whole) })?.affinity).toEqual(
    required([a100, { key: size, operator: "DoesNotExist" }]),
  );
  expect(specOf({ template: gpuTask({ device: "my-own" }) })?.affinity).toEqual(required([inside(device, "my-own")]));
  expect(specOf({ template: gpuTask({ device: "a100" }, "0") })?.affinity).toBeUndefined();
});

test("asking for a resource brings its tolerations", () => {
  const rules = {
    resourceTolerations: { "nvidia.com/gpu": [{ key: "gpu", operator: "Exists" }], other: [{ key: "no" }] },
  };
  expect(specOf({ template: gpuTask({}) }, rules)?.tolerations).toEqual([{ key: "gpu", operator: "Exists" }]);
  expect(specOf({}, rules)?.tolerations).toBeUndefined();
});

test("what Kubernetes fills into a PodTemplate is no choice of its author", () => {
  const template = { template: { spec: { schedulerName: "default-scheduler", containers: [] } } };
  const { pod } = toPod(makeLaunch(), makeSettings({ schedulerName: "volcano" }), template);
  expect(pod.spec?.schedulerName).toBe("volcano");
});

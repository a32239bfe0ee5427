import { describe, expect, test } from "vitest";
import { containerOf, type LaunchChange, makeLaunch, makeSettings, podTask } from "./launch.testsuite.ts";
import { toPod } from "./to-pod.ts";

const RULES = { defaultResources: { requests: { cpu: "100m" }, limits: { cpu: "2", memory: "1Gi" } } };
const POLICY = {
  resourceDefaults: { memory: "200Mi", gpu: "1" },
  resourceLimits: { cpu: "1", memory: "512Mi", gpu: "2" },
  namespaceValues: {},
};
const resourcesOf = (template: LaunchChange["template"], name?: string) =>
  containerOf(
    toPod(makeLaunch({ template: template ?? {}, grant: { policy: POLICY } }), makeSettings(RULES), undefined).pod,
    name,
  ).resources;

describe("what is set for a project's tasks", () => {
  test("counts before the cluster's defaults, and bounds them", () => {
    expect(resourcesOf(podTask({ containers: [{ name: "main", image: "i" }] }), "main")).toEqual({
      requests: { cpu: "100m", memory: "200Mi", "nvidia.com/gpu": "1" },
      limits: { cpu: "1", memory: "200Mi", "nvidia.com/gpu": "1" },
    });
  });

  test("bounds every container of a pod, whatever it calls a GPU", () => {
    const resources = { requests: { cpu: "8" }, limits: { memory: "4Gi", "nvidia.com/gpu": "4" } };
    const task = podTask({
      containers: [
        { name: "main", image: "i", resources: { limits: { gpu: "4" } } },
        { name: "side", image: "i", resources },
      ],
    });
    expect(resourcesOf(task, "main")?.limits).toMatchObject({ "nvidia.com/gpu": "2" });
    expect(resourcesOf(task, "side")).toMatchObject({
      requests: { cpu: "1" },
      limits: { memory: "512Mi", "nvidia.com/gpu": "2" },
    });
  });
});

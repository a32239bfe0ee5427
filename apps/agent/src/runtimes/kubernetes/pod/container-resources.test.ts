import { Resources_ResourceName as Name } from "@skein/idl/core";
import { describe, expect, test } from "vitest";
import { containerOf, makeLaunch, makeSettings, podTask } from "./launch.testsuite.ts";
import { toPod } from "./to-pod.ts";

type Entries = Partial<Record<keyof typeof Name, string>>;

const DEFAULTS = { defaultResources: { requests: { cpu: "100m" }, limits: { memory: "1Gi" } } };
const entries = (amounts: Entries = {}) =>
  Object.entries(amounts).map(([name, value]) => ({ name: Name[name as keyof typeof Name], value }));
const taskOf = (requests?: Entries, limits?: Entries) =>
  makeLaunch({
    template: {
      target: { case: "container", value: { resources: { requests: entries(requests), limits: entries(limits) } } },
    },
  });
const resourcesOf = (launch = taskOf(), rules: object = DEFAULTS) =>
  containerOf(toPod(launch, makeSettings(rules), undefined).pod).resources;

describe("a container's resources", () => {
  test("are the administrator's where it names none", () => {
    expect(resourcesOf()).toEqual({
      requests: { cpu: "100m", memory: "1Gi" },
      limits: { cpu: "100m", memory: "1Gi" },
    });
  });

  test("are what it asks for, each with both a request and a limit", () => {
    const launch = taskOf({ CPU: "1", GPU: "2", EPHEMERAL_STORAGE: "10Gi" }, { MEMORY: "2Gi", STORAGE: "5Gi" });
    expect(resourcesOf(launch)).toEqual({
      requests: { cpu: "1", memory: "2Gi", "nvidia.com/gpu": "2", "ephemeral-storage": "10Gi" },
      limits: { cpu: "1", memory: "2Gi", "nvidia.com/gpu": "2", "ephemeral-storage": "10Gi" },
    });
  });

  test("of nothing are none", () => {
    expect(resourcesOf(taskOf({ GPU: "0", CPU: " 2 " }, { GPU: "" }))).toMatchObject({ requests: { cpu: "2" } });
    expect(resourcesOf(taskOf({ GPU: "0" }))?.requests).not.toHaveProperty("nvidia.com/gpu");
  });

  test("never ask for more than their limit", () => {
    expect(resourcesOf(taskOf({ CPU: "3" }, { CPU: "1500m" }))).toMatchObject({
      requests: { cpu: "1500m" },
      limits: { cpu: "1500m" },
    });
  });

  test("of a device are the same twice", () => {
    expect(resourcesOf(taskOf({ GPU: "1" }, { GPU: "2" }))?.requests).toMatchObject({ "nvidia.com/gpu": "2" });
  });

  test("call a GPU what the cluster calls it", () => {
    const rules = { ...DEFAULTS, gpu: { resourceName: "amd.com/gpu" } };
    expect(resourcesOf(taskOf({ GPU: "1" }), rules)).toMatchObject({ limits: { "amd.com/gpu": "1" } });
  });

  test.each([
    ["2 cores", "CPU"],
    ["1GB", "MEMORY"],
    ["-1", "CPU"],
    ["one", "GPU"],
  ] as const)("cannot be %j of %s, and the error says so", (value, name) => {
    expect(() => resourcesOf(taskOf({ [name]: value }))).toThrow(`${JSON.stringify(value)} is no amount of`);
  });

  test.each(["cpus", "constructor", "disk"])("named %s are unknown, and the error says so", (name) => {
    const template = podTask({ containers: [{ name: "main", image: "i", resources: { limits: { [name]: "1" } } }] });
    expect(() => toPod(makeLaunch({ template }), makeSettings(), undefined)).toThrow(
      `container "main" asks for "${name}", which is no resource of Kubernetes`,
    );
  });

  test("may not exceed what the cluster gives", () => {
    const rules = { ...DEFAULTS, resourcesMax: { memory: "4Gi" } };
    expect(() => resourcesOf(taskOf({ MEMORY: "5Gi" }), rules)).toThrow(
      /container "primary" asks for 5Gi of memory.*4Gi/,
    );
    expect(resourcesOf(taskOf({ MEMORY: "4096Mi" }), rules)).toMatchObject({ limits: { memory: "4096Mi" } });
  });

  test("of a sidecar stay what they are, but for what Kubernetes and the namespace demand", () => {
    const task = podTask({
      containers: [
        { name: "main", image: "i" },
        { name: "side", image: "i", resources: { requests: { cpu: 1, memory: "4Gi" }, limits: { gpu: "1" } } },
      ],
    });
    const { pod } = toPod(makeLaunch({ template: task }), makeSettings(DEFAULTS), undefined);
    expect(containerOf(pod, "side").resources).toEqual({
      requests: { cpu: "1", memory: "4Gi", "nvidia.com/gpu": "1" },
      limits: { memory: "4Gi", "nvidia.com/gpu": "1" },
    });
  });
});

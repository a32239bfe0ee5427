import { create } from "@bufbuild/protobuf";
import { type Resources, Resources_ResourceName, ResourcesSchema, TaskTemplateSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { askedResources } from "./asked-resources.ts";

const { CPU, MEMORY, GPU, STORAGE } = Resources_ResourceName;
type Entries = readonly (readonly [Resources_ResourceName, string])[];
const resources = (requests: Entries, limits: Entries = []): Resources => {
  const entries = (list: Entries) => list.map(([name, value]) => ({ name, value }));
  return create(ResourcesSchema, { requests: entries(requests), limits: entries(limits) });
};
const task = (asked?: Resources) =>
  create(TaskTemplateSchema, { target: { case: "container", value: asked ? { resources: asked } : {} } });

test.each<[string, Resources | undefined, unknown]>([
  ["nothing", undefined, undefined],
  ["storage only", resources([[STORAGE, "1Gi"]]), undefined],
  [
    "zeros and nonsense",
    resources([
      [CPU, "0"],
      [MEMORY, "much"],
    ]),
    undefined,
  ],
  [
    "requests",
    resources([
      [CPU, "500m"],
      [MEMORY, "1.5Gi"],
    ]),
    { cpuMillis: 500, memoryMiB: 1536, gpus: 0 },
  ],
  [
    "parts, rounded up",
    resources([
      [CPU, "1n"],
      [MEMORY, "1"],
    ]),
    { cpuMillis: 1, memoryMiB: 1, gpus: 0 },
  ],
  ["requests rather than limits", resources([[CPU, "1"]], [[CPU, "2"]]), { cpuMillis: 1000, memoryMiB: 0, gpus: 0 }],
  ["limits where there are no requests", resources([], [[GPU, "2"]]), { cpuMillis: 0, memoryMiB: 0, gpus: 2 }],
  ["too much for any number", resources([[CPU, "9E"]]), { cpuMillis: 2 ** 31 - 1, memoryMiB: 0, gpus: 0 }],
])("a container that asks for %s", (_, given, expected) => {
  expect(askedResources(task(given), undefined)).toEqual(expected);
});

test("what a node overrides counts alone, and only containers are weighed", () => {
  const own = task(
    resources([
      [CPU, "1"],
      [MEMORY, "1Gi"],
    ]),
  );
  expect(askedResources(own, resources([[CPU, "3"]]))).toEqual({ cpuMillis: 3000, memoryMiB: 0, gpus: 0 });
  expect(askedResources(create(TaskTemplateSchema), resources([[CPU, "3"]]))).toBeUndefined();
});

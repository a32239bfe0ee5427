import { create } from "@bufbuild/protobuf";
import { askedResources } from "@skein/engine";
import { Resources_ResourceName as ResourceName, type TaskTemplate, TaskTemplateSchema } from "@skein/idl/core";
import { describe, expect, test } from "vitest";
import { askedWithin, NO_TASK_RESOURCES, type TaskResources, withTaskResources } from "./task-resources.ts";

const { CPU, MEMORY, GPU } = ResourceName;
type Amounts = [ResourceName, string][];

const entries = (amounts: Amounts) => amounts.map(([name, value]) => ({ name, value }));
const task = (requests: Amounts, limits: Amounts = []): TaskTemplate =>
  create(TaskTemplateSchema, {
    target: { case: "container", value: { resources: { requests: entries(requests), limits: entries(limits) } } },
  });
const bounds = (defaults: Amounts, limits: Amounts = []): TaskResources => ({
  defaults: new Map(defaults),
  limits: new Map(limits),
});
function resourcesOf({ target }: TaskTemplate) {
  const { requests = [], limits = [] } = (target.case === "container" && target.value.resources) || {};
  const amounts = (from: typeof requests) =>
    Object.fromEntries(from.map(({ name, value }) => [ResourceName[name], value]));
  return { requests: amounts(requests), limits: amounts(limits) };
}

describe("what a task may use", () => {
  const policy = bounds(
    [
      [CPU, "500m"],
      [MEMORY, "200Mi"],
    ],
    [
      [CPU, "2"],
      [MEMORY, "1Gi"],
      [GPU, "1"],
    ],
  );

  test("is the default of what it does not name", () => {
    expect(resourcesOf(withTaskResources(task([]), policy))).toEqual({
      requests: { CPU: "500m", MEMORY: "200Mi" },
      limits: { CPU: "500m", MEMORY: "200Mi" },
    });
  });

  test("is what it names, once or twice, up to the limit", () => {
    const asked = task(
      [
        [CPU, "4"],
        [GPU, "2"],
      ],
      [[MEMORY, "512Mi"]],
    );
    expect(resourcesOf(withTaskResources(asked, policy))).toEqual({
      requests: { CPU: "2", MEMORY: "512Mi", GPU: "1" },
      limits: { CPU: "2", MEMORY: "512Mi", GPU: "1" },
    });
  });

  test("keeps a request below its limit", () => {
    const asked = task(
      [
        [CPU, "1"],
        [MEMORY, "100Mi"],
      ],
      [
        [CPU, "8"],
        [MEMORY, "300Mi"],
      ],
    );
    expect(resourcesOf(withTaskResources(asked, policy))).toEqual({
      requests: { CPU: "1", MEMORY: "100Mi" },
      limits: { CPU: "2", MEMORY: "300Mi" },
    });
  });

  test("is left alone where there is no policy, and is never more than a limit that cannot be compared", () => {
    const asked = task([[CPU, "4"]]);
    expect(withTaskResources(asked, NO_TASK_RESOURCES)).toBe(asked);
    expect(resourcesOf(withTaskResources(task([[CPU, "much"]]), policy)).requests.CPU).toBe("2");
  });

  test("weighs what its container will be given", () => {
    for (const asked of [task([]), task([[CPU, "4"]]), task([[GPU, "2"]], [[MEMORY, "3Gi"]]), task([[CPU, "100m"]])]) {
      const own = askedResources(asked, undefined) ?? null;
      expect(askedWithin(own, asked, policy)).toEqual(askedResources(withTaskResources(asked, policy), undefined));
    }
    expect(askedWithin(null, create(TaskTemplateSchema), policy)).toBeNull();
  });
});

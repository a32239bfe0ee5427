import { create } from "@bufbuild/protobuf";
import { ExecutionSpecSchema, LaunchPlanSpecSchema } from "@skein/idl/admin";
import { IdentifierSchema } from "@skein/idl/core";
import { describe, expect, test } from "vitest";
import { mergeSpec } from "./merge-spec.ts";

const launched = create(IdentifierSchema, { name: "plan" });
const launchPlan = create(LaunchPlanSpecSchema, {
  labels: { values: { team: "plan", tier: "gold" } },
  envs: { values: [{ key: "FROM", value: "plan" }] },
  interruptible: true,
  overwriteCache: true,
  maxParallelism: 7,
  rawOutputDataConfig: { outputLocationPrefix: "s3://plan" },
  entityMetadata: { notifications: [{ phases: [4] }] },
});
const merge = (requested: Parameters<typeof create<typeof ExecutionSpecSchema>>[1], plan = true) =>
  mergeSpec({
    requested: create(ExecutionSpecSchema, requested),
    launchPlan: plan ? launchPlan : undefined,
    launched,
    principal: "somebody",
  });

describe("what a run is started with", () => {
  test("comes from the launch plan where the request says nothing", () => {
    const spec = merge({});
    expect(spec.labels?.values).toEqual({ team: "plan", tier: "gold" });
    expect(spec).toMatchObject({ interruptible: true, overwriteCache: true, maxParallelism: 7 });
    expect(spec.rawOutputDataConfig?.outputLocationPrefix).toBe("s3://plan");
    expect(spec.notificationOverrides.case).toBe("notifications");
  });

  test("comes from the request where it speaks; maps replace as a whole", () => {
    const spec = merge({
      labels: { values: { team: "request" } },
      interruptible: false,
      maxParallelism: 2,
      notificationOverrides: { case: "disableAll", value: true },
    });
    expect(spec.labels?.values).toEqual({ team: "request" });
    expect(spec).toMatchObject({ interruptible: false, maxParallelism: 2 });
    expect(spec.envs?.values[0]?.value).toBe("plan");
    expect(spec.notificationOverrides.case).toBe("disableAll");
  });

  test("names who asked, whatever the request claims, and holds no inputs", () => {
    const spec = merge({ metadata: { principal: "root" }, inputs: { literals: { x: {} } } }, false);
    expect(spec.metadata?.principal).toBe("somebody");
    expect(spec.inputs).toBeUndefined();
    expect(spec.launchPlan?.name).toBe("plan");
    expect(spec.maxParallelism).toBe(0);
  });
});

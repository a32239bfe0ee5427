import type { LaunchLimit, VersionId } from "@skein/db";
import type { LaunchPlanClosure, LaunchPlanSpec } from "@skein/idl/admin";
import type { Identifier, LiteralMap, ParameterMap } from "@skein/idl/core";
import { plannedLimit } from "./concurrency.ts";
import type { PolicyScope } from "./policies/policies.ts";

/** What a launch starts, as rows and rules. */
export interface LaunchTarget {
  readonly launched: Identifier;
  readonly launchPlanId: number | null;
  readonly taskId: number | null;
  readonly workflowId: number;
  /** Undefined for a single task. */
  readonly launchPlan: LaunchPlanSpec | undefined;
  readonly expectedInputs: ParameterMap | undefined;
  readonly fixedInputs: LiteralMap | undefined;
  /** What the launch plan says itself; what people decided about it wins. */
  readonly limit: LaunchLimit | undefined;
}

/** Which policies hold for a run of the target. A single task is a part of no workflow that has a name. */
export const policyScopeOf = (domain: string, { launchPlan, launched }: LaunchTarget): PolicyScope => ({
  domain,
  workflow: launchPlan?.workflowId?.name ?? "",
  launchPlan: launchPlan ? launched.name : "",
});

/** One version of a launch plan, decoded. */
export interface LaunchPlanVersion {
  readonly id: VersionId;
  readonly rowId: number;
  readonly workflowRowId: number;
  readonly spec: LaunchPlanSpec;
  readonly closure: LaunchPlanClosure;
}

/** What launching this launch plan starts. */
export function launchPlanTarget(launched: Identifier, plan: LaunchPlanVersion): LaunchTarget {
  return {
    launched,
    launchPlanId: plan.rowId,
    taskId: null,
    workflowId: plan.workflowRowId,
    launchPlan: plan.spec,
    expectedInputs: plan.closure.expectedInputs,
    fixedInputs: plan.spec.fixedInputs,
    limit: plannedLimit(plan.id, plan.spec),
  };
}

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { AttributesRow } from "@skein/db";
import { toBytes } from "@skein/idl";
import { ExecutionSpecSchema, LabelsSchema, LaunchPlanSpecSchema, MatchingAttributesSchema } from "@skein/idl/admin";
import { IdentifierSchema } from "@skein/idl/core";
import { describe, expect, test } from "vitest";
import { mergeSpec } from "../merge-spec.ts";
import { readPolicies } from "./policies.ts";
import { poolOfRun } from "./pool-of-run.ts";

type Target = NonNullable<MessageInitShape<typeof MatchingAttributesSchema>["target"]>;

const SCOPE = { domain: "development", workflow: "flight", launchPlan: "daily" };

/** From the narrowest to the widest, as rows are read. */
const policiesOf = (...set: [scope: Partial<AttributesRow>, target: Target][]) =>
  readPolicies({
    labels: toBytes(LabelsSchema, create(LabelsSchema, { values: { team: "geese", tier: "gold" } })),
    rows: set.map(([scope, target]) => ({
      ...{ project: "p", domain: "", workflow: "", launchPlan: "", type: "task_resource" as const },
      ...scope,
      attributes: toBytes(MatchingAttributesSchema, create(MatchingAttributesSchema, { target })),
    })),
  });
const config = (value: object): Target => ({ case: "workflowExecutionConfig", value });

describe("what a run is started with", () => {
  const merge = (
    requested: MessageInitShape<typeof ExecutionSpecSchema>,
    policies: ReturnType<typeof policiesOf>,
    plan: MessageInitShape<typeof LaunchPlanSpecSchema> = {},
  ) =>
    mergeSpec({
      requested: create(ExecutionSpecSchema, requested),
      launchPlan: create(LaunchPlanSpecSchema, plan),
      launched: create(IdentifierSchema),
      principal: "somebody",
      policies,
      scope: SCOPE,
      maxParallelism: 25,
    });
  const policies = policiesOf(
    [
      { domain: "development", workflow: "flight" },
      config({ interruptible: true, envs: { values: [{ key: "FROM", value: "workflow" }] } }),
    ],
    [{ domain: "development" }, config({ maxParallelism: 4, envs: { values: [{ key: "FROM", value: "domain" }] } })],
    [{ domain: "production" }, config({ annotations: { values: { from: "another domain" } } })],
    [
      {},
      config({
        maxParallelism: 9,
        labels: { values: { from: "project" } },
        rawOutputDataConfig: { outputLocationPrefix: "s3://p" },
      }),
    ],
  );

  test("comes field by field from the narrowest policy that says it", () => {
    const spec = merge({}, policies);
    expect(spec).toMatchObject({ interruptible: true, maxParallelism: 4 });
    expect(spec.envs?.values).toMatchObject([{ key: "FROM", value: "workflow" }]);
    expect(spec.rawOutputDataConfig?.outputLocationPrefix).toBe("s3://p");
    expect(spec.annotations).toBeUndefined();
  });

  test("comes from the launch plan and the request first, and from the server last", () => {
    expect(merge({ interruptible: false }, policies, { maxParallelism: 7 })).toMatchObject({
      interruptible: false,
      maxParallelism: 7,
    });
    expect(merge({}, policiesOf())).toMatchObject({ maxParallelism: 25 });
  });

  test("has the project's labels where no other has their name", () => {
    expect(merge({}, policies).labels?.values).toEqual({ from: "project", team: "geese", tier: "gold" });
    expect(merge({ labels: { values: { team: "swans" } } }, policies).labels?.values).toEqual({
      team: "swans",
      tier: "gold",
    });
  });

  test("takes an account from a policy where the request's context says nothing", () => {
    const account = policiesOf([{}, config({ securityContext: { runAs: { k8sServiceAccount: "sa" } } })]);
    expect(merge({ securityContext: { runAs: {} } }, account).securityContext?.runAs?.k8sServiceAccount).toBe("sa");
    const own = { securityContext: { runAs: { k8sServiceAccount: "own" } } };
    expect(merge(own, account).securityContext?.runAs?.k8sServiceAccount).toBe("own");
  });

  test("takes a quality of service from the narrowest policy as a whole", () => {
    const budget = (seconds: bigint): Target => ({
      case: "qualityOfService",
      value: { designation: { case: "spec", value: { queueingBudget: { seconds } } } },
    });
    const { qualityOfService } = merge({}, policiesOf([{ domain: "development" }, budget(5n)], [{}, budget(9n)]));
    expect(qualityOfService?.designation.value).toMatchObject({ queueingBudget: { seconds: 5n } });
  });
});

describe("the pool of a run", () => {
  const assigned: Target = { case: "clusterAssignment", value: { clusterPoolName: "gpu" } };
  const labelled: Target = { case: "executionClusterLabel", value: { value: "spot" } };
  const queued: Target = { case: "executionQueueAttributes", value: { tags: ["slow", "other"] } };
  const poolOf = (requested: MessageInitShape<typeof ExecutionSpecSchema>, ...targets: Target[]) =>
    poolOfRun(
      create(ExecutionSpecSchema, requested),
      policiesOf(...targets.map((target) => [{}, target] as [object, Target])),
      SCOPE,
    );

  test("is the default one where nobody says anything", () => {
    expect(poolOf({})).toEqual({ pool: "" });
  });

  test("is the assigned one, else what the label says, else the queue's first tag", () => {
    expect(poolOf({}, assigned, labelled, queued)).toEqual({ pool: "gpu" });
    expect(poolOf({}, labelled, queued)).toEqual({ pool: "spot" });
    expect(poolOf({}, queued)).toEqual({ pool: "slow" });
  });

  test("is what the request says, unless the project is bound to another", () => {
    expect(poolOf({ executionClusterLabel: { value: "own" } }, labelled)).toEqual({ pool: "own" });
    expect(poolOf({ clusterAssignment: { clusterPoolName: "own" } }, labelled)).toEqual({ pool: "own" });
    expect(poolOf({ clusterAssignment: { clusterPoolName: "gpu" } }, assigned)).toEqual({ pool: "gpu" });
    expect(poolOf({ clusterAssignment: { clusterPoolName: "own" } }, assigned)).toHaveProperty("problem");
    expect(poolOf({ executionClusterLabel: { value: "own" } }, assigned)).toEqual({ pool: "gpu" });
  });

  test("has a name that a queue can have", () => {
    expect(poolOf({ executionClusterLabel: { value: "a:b" } })).toHaveProperty("problem");
  });
});

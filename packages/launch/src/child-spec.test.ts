import { create } from "@bufbuild/protobuf";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import { IdentifierSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { childSpec, nestingOf } from "./child-spec.ts";

const launchPlan = create(IdentifierSchema, { name: "child" });
const place = { run: { project: "p", domain: "d", name: "parent" }, action: "n0-0-n1" };
const inherit = (parent: Parameters<typeof create<typeof ExecutionSpecSchema>>[1]) =>
  childSpec(create(ExecutionSpecSchema, parent), launchPlan, place);

test("a child is handed down what holds for all of a run", () => {
  const handedDown = {
    labels: { values: { team: "geese" } },
    annotations: { values: { why: "so" } },
    envs: { values: [{ key: "A", value: "1" }] },
    interruptible: false,
    overwriteCache: true,
    maxParallelism: 4,
    securityContext: { runAs: { k8sServiceAccount: "goose" } },
    rawOutputDataConfig: { outputLocationPrefix: "s3://bucket/raw" },
    clusterAssignment: { clusterPoolName: "pool" },
    executionClusterLabel: { value: "label" },
  };
  expect(inherit(handedDown)).toMatchObject(handedDown);
});

test("a child is not handed down what is its parent's own", () => {
  const spec = inherit({
    tags: ["mine"],
    notificationOverrides: { case: "disableAll", value: true },
    launchPlan: { name: "parent" },
    metadata: { principal: "ada", referenceExecution: { name: "before" } },
  });
  expect(spec).toMatchObject({ tags: [], launchPlan: { name: "child" } });
  expect(spec.notificationOverrides.case).toBeUndefined();
  expect(spec.metadata?.referenceExecution).toBeUndefined();
});

test("a child knows who started it and how deep it is", () => {
  const { metadata } = inherit({});
  expect(metadata?.parentNodeExecution).toMatchObject({ nodeId: "n0-0-n1", executionId: place.run });
  expect(metadata?.nesting).toBe(1);
  expect(nestingOf(inherit({ metadata: { nesting: 7 } }))).toBe(8);
});

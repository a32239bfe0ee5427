import { create } from "@bufbuild/protobuf";
import { LaunchPlanSpecSchema } from "@skein/idl/admin";
import { expect, test } from "vitest";
import { concurrencyProblems, plannedLimit } from "./concurrency.ts";

const ID = { project: "p", domain: "d", name: "lp", version: "v1" };
const specOf = (values: Record<string, string>, max = 0) =>
  create(LaunchPlanSpecSchema, { annotations: { values }, ...(max > 0 ? { concurrencyPolicy: { max } } : {}) });
const WHEN = "skein.dev/concurrency";
const MAX = "skein.dev/concurrency-max";

test.each([
  ["says nothing", specOf({}), undefined],
  ["has a policy", specOf({}, 2), { runsMax: 2, whenFull: "skip" }],
  ["has a policy and lets runs wait", specOf({ [WHEN]: "queue" }, 2), { runsMax: 2, whenFull: "queue" }],
  ["names its limit in words", specOf({ [WHEN]: "replace", [MAX]: "1" }), { runsMax: 1, whenFull: "replace" }],
  ["names two limits", specOf({ [MAX]: "3" }, 2), { runsMax: 3, whenFull: "skip" }],
])("a launch plan that %s", (_, spec, limit) => {
  expect(concurrencyProblems(spec)).toEqual([]);
  const launchPlan = { project: "p", domain: "d", name: "lp" };
  expect(plannedLimit(ID, spec)).toEqual(limit && { launchPlan, ...limit });
});

test.each([
  ["a word that is none", specOf({ [WHEN]: "wait" }, 1), [`${WHEN} is "wait"`]],
  ["no number", specOf({ [MAX]: "many" }), [`${MAX} is "many"`]],
  ["a limit that lets nothing run", specOf({ [MAX]: "0" }), [`${MAX} is "0"`]],
  ["a word without a limit", specOf({ [WHEN]: "queue" }), [`${WHEN} says nothing without a limit`]],
])("%s is refused", (_, spec, problems) => {
  expect(concurrencyProblems(spec)).toEqual(problems.map((problem) => expect.stringContaining(problem)));
});

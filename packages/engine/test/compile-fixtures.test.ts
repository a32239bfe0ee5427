import type { Identifier } from "@skein/idl/core";
import { expect, test } from "vitest";
import {
  checkTask,
  compileLaunchPlan,
  compileWorkflow,
  describeCompileErrors,
  entityKey,
  requiredIds,
} from "../src/index.ts";
import { fixture, fixtureNames, fixturePlans, workflowOfPlan } from "./fixtures.ts";

test.each(fixtureNames)("what flytekit registers compiles: %s", (name) => {
  const result = compileWorkflow(fixture(name));
  expect("errors" in result ? describeCompileErrors(result.errors) : "").toBe("");
});

test.each(fixtureNames)("compiling does not change what was sent: %s", (name) => {
  const input = fixture(name);
  const before = structuredClone(input);
  compileWorkflow(input);
  expect(input).toEqual(before);
});

test.each(fixtureNames)("what flytekit registers has valid tasks: %s", (name) => {
  const problems = fixture(name).tasks.flatMap(({ template }) => (template ? checkTask(template) : ["no template"]));
  expect(problems).toEqual([]);
});

test("what flytekit sends as launch plans is valid", () => {
  for (const plan of fixturePlans) {
    const result = compileLaunchPlan(plan.spec ?? {}, workflowOfPlan(plan).interface);
    expect({ name: plan.id?.name, problems: result.problems }).toEqual({ name: plan.id?.name, problems: [] });
  }
});

test.each(fixtureNames)("a workflow requires only what flytekit registers before it: %s", (name) => {
  const { template, subWorkflows = [], tasks, launchPlans = [] } = fixture(name);
  const required = requiredIds(template, subWorkflows);
  const keys = (ids: readonly (Identifier | undefined)[]): string[] => ids.map((id) => (id ? entityKey(id) : ""));
  expect(keys(tasks.map(({ template: task }) => task?.id))).toEqual(expect.arrayContaining(keys(required.tasks)));
  expect(keys(launchPlans.map(({ id }) => id))).toEqual(expect.arrayContaining(keys(required.launchPlans)));
});

import { expect, test } from "vitest";
import { checkTask, compileLaunchPlan, compileWorkflow, describeCompileErrors, requiredIds } from "../src/index.ts";
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

test("every task in the fixtures is required by its workflow", () => {
  for (const name of fixtureNames) {
    const { template, subWorkflows = [], tasks } = fixture(name);
    const required = requiredIds(template, subWorkflows)
      .tasks.map((id) => id.name)
      .sort();
    expect({ name, required }).toEqual({ name, required: tasks.map((task) => task.template?.id?.name ?? "").sort() });
  }
});

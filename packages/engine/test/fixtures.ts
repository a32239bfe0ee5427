import { readdirSync, readFileSync } from "node:fs";
import { fromBytes } from "@skein/idl";
import { type LaunchPlan, LaunchPlanListSchema } from "@skein/idl/admin";
import { type CompiledWorkflowClosure, CompiledWorkflowClosureSchema, type WorkflowTemplate } from "@skein/idl/core";
import { type CompileInput, compileLaunchPlan, type LaunchPlanInterface } from "../src/index.ts";

const FOLDER = new URL("fixtures/", import.meta.url);
const PLANS_FILE = "launch_plans_list.pb";

const read = (name: string): CompiledWorkflowClosure =>
  fromBytes(CompiledWorkflowClosureSchema, readFileSync(new URL(`${name}.pb`, FOLDER)));

/** Names of the workflows in `fixtures/workflows.py`. */
export const fixtureNames: readonly string[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".pb") && file !== PLANS_FILE)
  .map((file) => file.replace(/\.pb$/, ""));

/** Every launch plan that flytekit sends with them. */
export const fixturePlans: readonly LaunchPlan[] = fromBytes(
  LaunchPlanListSchema,
  readFileSync(new URL(PLANS_FILE, FOLDER)),
).launchPlans;

const templateOf = (closure: CompiledWorkflowClosure): WorkflowTemplate => {
  const template = closure.primary?.template;
  if (!template) throw new Error("the fixture has no template");
  return template;
};

/** The workflow that a launch plan of the fixtures starts. */
export const workflowOfPlan = (plan: LaunchPlan): WorkflowTemplate =>
  templateOf(read(plan.spec?.workflowId?.name.split(".").at(-1) ?? ""));

function planInterface(plan: LaunchPlan): LaunchPlanInterface[] {
  if (!plan.id || !plan.spec) return [];
  const { expectedInputs, expectedOutputs } = compileLaunchPlan(plan.spec, workflowOfPlan(plan).interface);
  return [{ id: plan.id, expectedInputs, expectedOutputs }];
}

/** What the compiler is given when a client registers the workflow. */
export function fixture(name: string): CompileInput {
  const closure = read(name);
  return {
    template: templateOf(closure),
    subWorkflows: closure.subWorkflows.flatMap(({ template }) => template ?? []),
    tasks: closure.tasks,
    launchPlans: fixturePlans.flatMap(planInterface),
  };
}

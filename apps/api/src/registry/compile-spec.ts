import type { VersionId } from "@skein/db";
import { compileWorkflow, describeCompileErrors, type LaunchPlanInterface, requiredIds } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import type { WorkflowSpec } from "@skein/idl/admin";
import { type CompiledTask, type CompiledWorkflowClosure, ResourceType } from "@skein/idl/core";
import type { Call } from "../call.ts";
import { entityKey, invalid, toIdentifier, toVersionId } from "./identity.ts";
import type { LaunchPlanFinder } from "./launch-plan-service.ts";
import type { TaskFinder } from "./task-service.ts";

export interface CompileDependencies {
  readonly findTask: TaskFinder;
  readonly findLaunchPlan: LaunchPlanFinder;
}

/** Compilers find many problems in a large workflow; a message in HTTP/2 trailers has little room. */
const MESSAGE_LENGTH_MAX = 20_000;

/** Fetches what a workflow refers to and compiles it; throws invalid_argument with everything that is wrong. */
export async function compileSpec(
  call: Call,
  dependencies: CompileDependencies,
  id: VersionId,
  { template, subWorkflows }: WorkflowSpec,
): Promise<CompiledWorkflowClosure> {
  if (!template) throw invalid("spec.template", "is missing: a workflow needs a template");
  const required = requiredIds(template, subWorkflows);
  // Each may belong to another tenant than the workflow.
  for (const reference of [...required.tasks, ...required.launchPlans]) call.authorize("registry:read", reference);
  const [tasks, launchPlans] = await Promise.all([
    fetchAll(required.tasks.map(toVersionId), (task) => findCompiledTask(dependencies, task)),
    fetchAll(required.launchPlans.map(toVersionId), (plan) => findInterface(dependencies, plan)),
  ]);
  const missing = [
    ...tasks.missing.map((task) => `task ${entityKey(task)}`),
    ...launchPlans.missing.map((plan) => `launch plan ${entityKey(plan)}`),
  ];
  if (missing.length > 0) throw compileFailed(id, `these are not registered: ${missing.join(", ")}`);
  const result = compileWorkflow({ template, subWorkflows, tasks: tasks.found, launchPlans: launchPlans.found });
  if ("closure" in result) return result.closure;
  throw compileFailed(id, describeCompileErrors(result.errors));
}

async function fetchAll<T>(ids: readonly VersionId[], find: (id: VersionId) => Promise<T | undefined>) {
  const found: T[] = [];
  const missing: VersionId[] = [];
  for (const [index, entity] of (await Promise.all(ids.map(find))).entries()) {
    const id = ids[index];
    if (entity !== undefined) found.push(entity);
    else if (id) missing.push(id);
  }
  return { found, missing };
}

const findCompiledTask = async ({ findTask }: CompileDependencies, id: VersionId): Promise<CompiledTask | undefined> =>
  (await findTask(id))?.closure.compiledTask;

async function findInterface(
  { findLaunchPlan }: CompileDependencies,
  id: VersionId,
): Promise<LaunchPlanInterface | undefined> {
  const plan = await findLaunchPlan(id);
  if (!plan) return undefined;
  const { expectedInputs, expectedOutputs } = plan.closure;
  return { id: toIdentifier(ResourceType.LAUNCH_PLAN, id), expectedInputs, expectedOutputs };
}

function compileFailed(id: VersionId, problem: string): SkeinError {
  const message = `failed to compile workflow for ${entityKey(id)} with err: ${problem}`;
  const shown = message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}\n…` : message;
  return new SkeinError("invalid_argument", "workflow_compile_failed", shown);
}

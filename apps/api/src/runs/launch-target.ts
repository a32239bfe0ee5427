import { create } from "@bufbuild/protobuf";
import { singleTaskWorkflow } from "@skein/engine";
import { LaunchPlanSpecSchema, WorkflowSpecSchema } from "@skein/idl/admin";
import { type Identifier, ResourceType } from "@skein/idl/core";
import { type LaunchTarget, launchPlanTarget } from "@skein/launch";
import type { Call } from "../call.ts";
import { notRegistered } from "../registry/conflicts.ts";
import { checkVersionId, entityKey, invalid, toIdentifier, toVersionId } from "../registry/identity.ts";
import type { LaunchPlanService } from "../registry/launch-plan-service.ts";
import { lruCache } from "../registry/lru-cache.ts";
import type { TaskService, TaskView } from "../registry/task-service.ts";
import type { WorkflowService } from "../registry/workflow-service.ts";

/** Hidden workflows and launch plans of single tasks are named so; lists of names leave them out. */
export const HIDDEN_PREFIX = ".flytegen.";
const CACHED_MAX = 2_000;

export interface TargetDependencies {
  readonly tasks: TaskService;
  readonly workflows: WorkflowService;
  readonly launchPlans: LaunchPlanService;
}

/** Finds what an identifier launches: a launch plan, or a single task in a workflow that the server makes around it. */
export function launchTargets({ tasks, workflows, launchPlans }: TargetDependencies) {
  const singleTasks = lruCache<LaunchTarget>(CACHED_MAX);

  async function ofLaunchPlan(launched: Identifier): Promise<LaunchTarget> {
    const id = toVersionId(launched);
    const plan = await launchPlans.find(id);
    if (!plan) throw notRegistered("launch plan", id);
    return launchPlanTarget(launched, plan);
  }

  async function ofTask(launched: Identifier): Promise<LaunchTarget> {
    const id = toVersionId(launched);
    const key = entityKey(id);
    const cached = singleTasks.get(key);
    if (cached) return cached;
    const task = await tasks.find(id);
    if (!task) throw notRegistered("task", id);
    const target = await wrapTask(launched, task);
    singleTasks.set(key, target);
    return target;
  }

  async function wrapTask(launched: Identifier, task: TaskView): Promise<LaunchTarget> {
    const compiledTask = task.closure.compiledTask;
    if (!compiledTask) throw notRegistered("task", task.id);
    const hidden = singleTaskWorkflow(compiledTask);
    const id = toVersionId(hidden.id);
    const workflowSpec = create(WorkflowSpecSchema, { template: hidden.template });
    const workflow = await workflows.ensureHidden(id, workflowSpec, hidden.closure);
    const planSpec = create(LaunchPlanSpecSchema, { workflowId: toIdentifier(ResourceType.WORKFLOW, id) });
    await launchPlans.ensureHidden(id, planSpec, workflow);
    return {
      launched,
      launchPlanId: null,
      taskId: task.rowId,
      workflowId: workflow.rowId,
      launchPlan: undefined,
      expectedInputs: hidden.expectedInputs,
      fixedInputs: undefined,
      limit: undefined,
    };
  }

  return async (call: Call, launched: Identifier | undefined): Promise<LaunchTarget> => {
    if (!launched) throw invalid("spec.launch_plan", "is missing: name the launch plan or task to launch");
    checkVersionId(toVersionId(launched), "spec.launch_plan");
    // It may belong to another tenant than the run.
    call.authorize("registry:read", launched);
    // Old clients leave the type out where only a launch plan can stand.
    if (launched.resourceType === ResourceType.TASK) return ofTask(launched);
    if (launched.resourceType === ResourceType.LAUNCH_PLAN || launched.resourceType === ResourceType.UNSPECIFIED) {
      return ofLaunchPlan(launched);
    }
    const shown = ResourceType[launched.resourceType] ?? launched.resourceType;
    throw invalid("spec.launch_plan.resource_type", `is ${shown}: only LAUNCH_PLAN and TASK can be launched`);
  };
}

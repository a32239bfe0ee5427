import { create } from "@bufbuild/protobuf";
import { invariant } from "@skein/errors";
import {
  type CompiledTask,
  CompiledTaskSchema,
  type DynamicJobSpec,
  type Identifier,
  IdentifierSchema,
  ResourceType,
  type TaskTemplate,
  TypedInterfaceSchema,
  type WorkflowTemplate,
  WorkflowTemplateSchema,
} from "@skein/idl/core";
import { entityKey } from "../entity-key.ts";
import { START_NODE_ID } from "../system-nodes.ts";
import { checkTask } from "./check-task.ts";
import type { CompileError } from "./compile-error.ts";
import { type CompileResult, compileWorkflow } from "./compile-workflow.ts";
import { type RequiredIds, requiredIds } from "./required-ids.ts";
import type { LaunchPlanInterface } from "./scope.ts";

/** What a dynamic task wrote, and everything that it refers to by name: see `requiredByDynamic`. */
export interface DynamicInput {
  readonly spec: DynamicJobSpec;
  /** The task that wrote it. The workflow hands out what the task declares. */
  readonly task: TaskTemplate;
  /** Tasks that are not part of `spec`. */
  readonly tasks?: readonly CompiledTask[];
  readonly launchPlans?: readonly LaunchPlanInterface[];
}

/** The launch plans, and the tasks that `spec` itself does not hold, to fetch before `compileDynamic` can be called. */
export function requiredByDynamic(spec: DynamicJobSpec): RequiredIds {
  const template = create(WorkflowTemplateSchema, { nodes: spec.nodes });
  const own = new Set(spec.tasks.flatMap(({ id }) => (id ? [entityKey(id)] : [])));
  const { tasks, launchPlans } = requiredIds(template, spec.subworkflows);
  return { tasks: tasks.filter((id) => !own.has(entityKey(id))), launchPlans };
}

/**
 * Compiles the workflow that a dynamic task wrote instead of outputs (its `futures.pb`). It has the name and version of
 * its task, takes nothing, and hands out what the task declares.
 */
export function compileDynamic({ spec, task, tasks = [], launchPlans = [] }: DynamicInput): CompileResult {
  invariant(task.id, "a task that ran has an id");
  const { id } = task;
  const own = withoutRepeats(spec.tasks, (template) => template.id);
  const errors = own.flatMap((template) => errorsOf(template, id));
  if (errors.length > 0) return { errors };
  return compileWorkflow({
    template: templateOf(spec, task, id),
    subWorkflows: withoutRepeats(spec.subworkflows, (sub) => sub.id),
    tasks: [...tasks, ...own.map((template) => create(CompiledTaskSchema, { template }))],
    launchPlans,
  });
}

function templateOf({ nodes, outputs }: DynamicJobSpec, task: TaskTemplate, id: Identifier): WorkflowTemplate {
  const { project, domain, name, version } = id;
  return create(WorkflowTemplateSchema, {
    id: create(IdentifierSchema, { resourceType: ResourceType.WORKFLOW, project, domain, name, version }),
    interface: create(TypedInterfaceSchema, task.interface?.outputs ? { outputs: task.interface.outputs } : {}),
    nodes,
    outputs,
  });
}

function withoutRepeats<Entity>(entities: readonly Entity[], idOf: (entity: Entity) => Identifier | undefined) {
  const byKey = new Map<string, Entity>();
  for (const entity of entities) {
    const id = idOf(entity);
    if (id) byKey.set(entityKey(id), entity);
  }
  return [...byKey.values()];
}

/** Tasks of a dynamic workflow were not registered, so nobody has looked at them yet. */
const errorsOf = (template: TaskTemplate, { name: workflow }: Identifier): CompileError[] =>
  checkTask(template).map((problem) => ({
    code: "InvalidValue",
    workflow,
    nodeId: START_NODE_ID,
    description: `Task [${template.id?.name}]: ${problem}`,
  }));

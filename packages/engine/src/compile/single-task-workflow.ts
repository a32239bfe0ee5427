import { create } from "@bufbuild/protobuf";
import { invariant } from "@skein/errors";
import {
  type Binding,
  BindingSchema,
  type CompiledTask,
  type CompiledWorkflowClosure,
  type Identifier,
  IdentifierSchema,
  type NodeMetadata,
  NodeMetadataSchema,
  NodeSchema,
  type ParameterMap,
  ResourceType,
  type TaskMetadata,
  type VariableMap,
  type WorkflowTemplate,
  WorkflowTemplateSchema,
} from "@skein/idl/core";
import { END_NODE_ID, START_NODE_ID } from "../system-nodes.ts";
import { compileLaunchPlan } from "./compile-launch-plan.ts";
import { compileWorkflow } from "./compile-workflow.ts";

/** Flyte's limit for the id of the node that runs a single task. */
const NODE_ID_LENGTH_MAX = 63;
const FALLBACK_NODE_ID = "n0";

/** The hidden workflow around a task that is launched by itself, and what its launch plan asks for and hands out. */
export interface SingleTaskWorkflow {
  /** Identifier of the workflow; its launch plan has the same name and version. */
  readonly id: Identifier;
  readonly template: WorkflowTemplate;
  readonly closure: CompiledWorkflowClosure;
  readonly expectedInputs: ParameterMap;
  readonly expectedOutputs: VariableMap;
}

function nodeIdOf(taskName: string): string {
  const id = taskName.slice(-NODE_ID_LENGTH_MAX).replace(/[^\p{L}\p{N}-]/gu, "");
  return id === "" || id === START_NODE_ID || id === END_NODE_ID ? FALLBACK_NODE_ID : id;
}

const bindAll = (variables: VariableMap | undefined, nodeId: string): Binding[] =>
  Object.keys(variables?.variables ?? {})
    .sort()
    .map((name) =>
      create(BindingSchema, { var: name, binding: { value: { case: "promise", value: { nodeId, var: name } } } }),
    );

/** What flytekit copies from a task to a node that runs it. */
function nodeMetadata(name: string, task: TaskMetadata | undefined): NodeMetadata {
  return create(NodeMetadataSchema, {
    name,
    ...(task?.retries ? { retries: task.retries } : {}),
    ...(task?.timeout ? { timeout: task.timeout } : {}),
    ...(task ? { interruptibleValue: task.interruptibleValue } : {}),
  });
}

/** Wraps a registered task (one that passed `checkTask`) into the workflow `.flytegen.<task>` with one node (contract 6.1). */
export function singleTaskWorkflow(task: CompiledTask): SingleTaskWorkflow {
  const { template: taskTemplate } = task;
  const taskId = taskTemplate?.id;
  invariant(taskId, "a registered task has an id");
  const id = create(IdentifierSchema, {
    resourceType: ResourceType.WORKFLOW,
    project: taskId.project,
    domain: taskId.domain,
    name: `.flytegen.${taskId.name}`,
    version: taskId.version,
  });
  const nodeId = nodeIdOf(taskId.name);
  const node = create(NodeSchema, {
    id: nodeId,
    metadata: nodeMetadata(nodeId, taskTemplate.metadata),
    inputs: bindAll(taskTemplate.interface?.inputs, ""),
    target: { case: "taskNode", value: { reference: { case: "referenceId", value: taskId } } },
  });
  const template = create(WorkflowTemplateSchema, {
    id,
    ...(taskTemplate.interface ? { interface: taskTemplate.interface } : {}),
    nodes: [node],
    outputs: bindAll(taskTemplate.interface?.outputs, nodeId),
  });
  const compiled = compileWorkflow({ template, tasks: [task] });
  invariant("closure" in compiled, `task ${taskId.name} passed its checks and compiles by itself`);
  const { expectedInputs, expectedOutputs } = compileLaunchPlan({}, taskTemplate.interface);
  return { id, template, closure: compiled.closure, expectedInputs, expectedOutputs };
}

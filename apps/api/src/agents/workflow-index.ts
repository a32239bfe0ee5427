import { clone } from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import {
  CompiledWorkflowClosureSchema,
  type Identifier,
  type Node,
  type TaskTemplate,
  TaskTemplateSchema,
  type WorkflowNode,
} from "@skein/idl/core";

/** Finds tasks and nodes of one compiled workflow by key, so that a claim does not search graphs of thousands of nodes. */
export interface WorkflowIndex {
  readonly tasks: ReadonlyMap<string, TaskTemplate>;
  readonly root: ReadonlyMap<string, Node>;
  readonly subWorkflows: ReadonlyMap<string, ReadonlyMap<string, Node>>;
}

export function readWorkflowIndex(compiled: Uint8Array): WorkflowIndex {
  const closure = fromBytes(CompiledWorkflowClosureSchema, compiled);
  const nodesOf = (nodes: readonly Node[] = []) => new Map(nodes.map((node) => [node.id, node]));
  return {
    tasks: new Map(closure.tasks.flatMap(({ template }) => (template ? [[keyOf(template.id), template]] : []))),
    root: nodesOf(closure.primary?.template?.nodes),
    subWorkflows: new Map(
      closure.subWorkflows.map(({ template }) => [keyOf(template?.id), nodesOf(template?.nodes)] as const),
    ),
  };
}

/** A node by the template ids of the nodes around it, outermost first, and its own. */
export function findNode(index: WorkflowIndex, ancestorIds: readonly string[], nodeId: string): Node | undefined {
  let frame: ReadonlyMap<string, Node> | undefined = index.root;
  for (const id of ancestorIds) {
    const target: Node["target"] | undefined = frame?.get(id)?.target;
    // A branch's chosen node stands beside the branch, in the same frame.
    if (target?.case !== "workflowNode") continue;
    const inner: WorkflowNode["reference"] = target.value.reference;
    frame = inner.case === "subWorkflowRef" ? index.subWorkflows.get(keyOf(inner.value)) : undefined;
  }
  return frame?.get(nodeId);
}

/** The task of a node with what the workflow's author overrode for this node (`with_overrides`). */
export function taskTemplateOf(index: WorkflowIndex, taskKey: string, node: Node | undefined): TaskTemplate {
  const template = index.tasks.get(taskKey);
  if (!template) {
    throw new SkeinError("not_found", "task_missing", `The compiled workflow does not hold the task ${taskKey}.`);
  }
  const overrides = node?.target.case === "taskNode" ? node.target.value.overrides : undefined;
  if (!overrides) return template;
  const changed = clone(TaskTemplateSchema, template);
  if (overrides.extendedResources) changed.extendedResources = overrides.extendedResources;
  if (changed.target.case !== "container") return changed;
  if (overrides.resources) changed.target.value.resources = overrides.resources;
  if (overrides.containerImage !== "") changed.target.value.image = overrides.containerImage;
  return changed;
}

const keyOf = (id: Identifier | undefined): string => `${id?.project}:${id?.domain}:${id?.name}:${id?.version}`;

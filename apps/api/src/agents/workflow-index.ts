import { clone } from "@bufbuild/protobuf";
import type { PathStep } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import {
  type BranchNode,
  type CompiledWorkflow,
  CompiledWorkflowClosureSchema,
  type Identifier,
  type Node,
  type TaskTemplate,
  TaskTemplateSchema,
} from "@skein/idl/core";

type Nodes = ReadonlyMap<string, Node>;

/** Finds tasks and nodes of one compiled workflow by key, so that a claim does not search graphs of thousands of nodes. */
export interface WorkflowIndex {
  readonly tasks: ReadonlyMap<string, TaskTemplate>;
  readonly root: Nodes;
  /** What the workflow says for tasks that do not say whether they are interruptible. */
  readonly isInterruptible: boolean;
  readonly subWorkflows: ReadonlyMap<string, Nodes>;
}

/** Where an action stands in the graphs: its node, and the closure that holds it. */
export interface Place {
  readonly index: WorkflowIndex;
  readonly node: Node | undefined;
}

export function readWorkflowIndex(compiled: Uint8Array): WorkflowIndex {
  const closure = fromBytes(CompiledWorkflowClosureSchema, compiled);
  return {
    tasks: new Map(closure.tasks.flatMap(({ template }) => (template ? [[keyOf(template.id), template]] : []))),
    root: nodesOf(closure.primary),
    isInterruptible: closure.primary?.template?.metadataDefaults?.interruptible ?? false,
    subWorkflows: new Map(
      closure.subWorkflows.map((workflow) => [keyOf(workflow.template?.id), nodesOf(workflow)] as const),
    ),
  };
}

/** Every node of a workflow: also the one for failures, and those that branches choose from. */
function nodesOf(workflow: CompiledWorkflow | undefined): Nodes {
  const nodes = new Map<string, Node>();
  const add = (node: Node): void => {
    nodes.set(node.id, node);
    if (node.target.case === "branchNode") for (const inner of choicesOf(node.target.value)) add(inner);
  };
  const { template } = workflow ?? {};
  if (template?.failureNode) add(template.failureNode);
  for (const node of template?.nodes ?? []) add(node);
  return nodes;
}

function choicesOf({ ifElse }: BranchNode): Node[] {
  const blocks = ifElse?.case ? [ifElse.case, ...ifElse.other] : [];
  const chosen = blocks.flatMap(({ thenNode }) => thenNode ?? []);
  return ifElse?.default.case === "elseNode" ? [...chosen, ifElse.default.value] : chosen;
}

/**
 * Walks from the run's graph down to an action. `expansionOf` finds the workflow that an expanded action's task wrote:
 * what is inside of such an action stands there.
 */
export async function findPlace(
  index: WorkflowIndex,
  path: readonly Pick<PathStep, "ordinal" | "specNodeId" | "kind" | "isExpanded">[],
  expansionOf: (ordinal: number) => Promise<WorkflowIndex>,
): Promise<Place> {
  let place: Place = { index, node: undefined };
  let nodes: Nodes | undefined = index.root;
  for (const [at, step] of path.entries()) {
    const around = path[at - 1];
    const target: Node["target"] | undefined = place.node?.target;
    if (around?.isExpanded) {
      place = { index: await expansionOf(around.ordinal), node: undefined };
      nodes = place.index.root;
    } else if (around?.kind === "workflow") {
      nodes = target?.case === "workflowNode" ? graphOf(place.index, target.value.reference) : undefined;
    }
    // What a branch chooses from stands beside the branch; an item has no node but the one that is mapped.
    const node = around?.kind === "array" ? mappedNode(place.node) : nodes?.get(step.specNodeId);
    place = { index: place.index, node };
  }
  return place;
}

/** A former map is a task that stands for all its items, so its node is theirs. */
const mappedNode = (node: Node | undefined): Node | undefined =>
  node?.target.case === "arrayNode" ? node.target.value.node : node;

type WorkflowReference = Extract<Node["target"], { case: "workflowNode" }>["value"]["reference"];

const graphOf = ({ subWorkflows }: WorkflowIndex, reference: WorkflowReference): Nodes | undefined =>
  reference.case === "subWorkflowRef" ? subWorkflows.get(keyOf(reference.value)) : undefined;

/** The task of a node with what the workflow's author overrode for this node (`with_overrides`). */
export function taskTemplateOf({ index, node }: Place, taskKey: string): TaskTemplate {
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

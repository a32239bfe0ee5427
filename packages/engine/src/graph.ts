import { invariant } from "@skein/errors";
import {
  type BindingData,
  type CompiledWorkflow,
  type CompiledWorkflowClosure,
  type Identifier,
  type LiteralType,
  type Node,
  type TypedInterface,
  WorkflowMetadata_OnFailurePolicy,
} from "@skein/idl/core";
import { at } from "./at.ts";
import { holdsUnion } from "./literal/union.ts";
import type { Graph, GraphNode, NodeTarget, Program, ProgramTask } from "./program.ts";

/** Ids of the two nodes that the compiler adds to every workflow. */
export const START_NODE_ID = "start-node";
export const END_NODE_ID = "end-node";

/** `project:domain:name:version`, by which tasks and workflows of a program are found. */
export const entityKey = (id: Identifier): string => `${id.project}:${id.domain}:${id.name}:${id.version}`;

interface Entities {
  readonly tasks: ReadonlyMap<string, ProgramTask>;
  readonly interfaces: ReadonlyMap<string, TypedInterface | undefined>;
}

/**
 * Indexes a compiled closure. A node that refers to something the closure does not hold, or whose kind cannot run yet,
 * becomes `unsupported`, so that its run fails with a reason instead of breaking the caller.
 */
export function readProgram(closure: CompiledWorkflowClosure): Program {
  invariant(closure.primary, "a compiled closure has a primary workflow");
  const tasks = new Map<string, ProgramTask>();
  for (const { template } of closure.tasks) {
    if (!template?.id) continue;
    const key = entityKey(template.id);
    tasks.set(key, { key, template, orderKind: template.type === "echo" ? "echo" : "container" });
  }
  const workflows = [closure.primary, ...closure.subWorkflows];
  const interfaces = new Map(workflows.map((workflow) => [keyOf(workflow), workflow.template?.interface]));
  const graphs = workflows.map((workflow) => readGraph(workflow, { tasks, interfaces }));
  return { root: at(graphs, 0), graphs: new Map(graphs.map((graph) => [graph.key, graph])), tasks };
}

function keyOf({ template }: CompiledWorkflow): string {
  invariant(template?.id, "a compiled workflow has an id");
  return entityKey(template.id);
}

function readGraph(workflow: CompiledWorkflow, entities: Entities): Graph {
  const { template, connections } = workflow;
  invariant(template, "a compiled workflow has a template");
  const key = keyOf(workflow);
  const indexOf = new Map(template.nodes.map((node, index) => [node.id, index]));
  const getIndex = (id: string): number => {
    const index = indexOf.get(id);
    invariant(index !== undefined, `workflow ${key} has no node ${id}`);
    return index;
  };
  const inDegrees = new Int32Array(template.nodes.length);
  const downstream = template.nodes.map((node) => {
    const targets = (connections?.downstream[node.id]?.ids ?? []).map(getIndex);
    for (const target of targets) inDegrees[target] = at(inDegrees, target) + 1;
    return targets;
  });
  const isInterruptible = template.metadataDefaults?.interruptible ?? false;
  const nodes = template.nodes.map((node, index): GraphNode => {
    const target = readTarget(node, entities);
    return {
      index,
      id: node.id,
      target,
      inDegree: at(inDegrees, index),
      downstream: at(downstream, index),
      bindings: node.inputs,
      producers: readProducers(node).map(getIndex),
      unionTypes: readUnionTypes(inputTypesOf(target, template.interface, entities)),
      ...readLimits(node, target, isInterruptible),
    };
  });
  const isPatient =
    template.metadata?.onFailure === WorkflowMetadata_OnFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE;
  return {
    key,
    nodes,
    indexOf,
    start: getIndex(START_NODE_ID),
    end: getIndex(END_NODE_ID),
    failurePolicy: isPatient ? "failAfterExecutableNodesComplete" : "failImmediately",
  };
}

const KIND_WORDS = { branchNode: "A branch", gateNode: "A gate", arrayNode: "A map task" } as const;

function readTarget(node: Node, { tasks, interfaces }: Entities): NodeTarget {
  if (node.id === START_NODE_ID) return { kind: "start" };
  if (node.id === END_NODE_ID) return { kind: "end" };
  const { target } = node;
  const reference = target.case === "taskNode" || target.case === "workflowNode" ? target.value.reference : undefined;
  if (reference?.case === "referenceId") {
    const key = entityKey(reference.value);
    const task = tasks.get(key);
    return task
      ? { kind: "task", task }
      : { kind: "unsupported", reason: `Task ${key} is not in the compiled workflow.` };
  }
  if (reference?.case === "subWorkflowRef") {
    const graphKey = entityKey(reference.value);
    if (interfaces.has(graphKey)) return { kind: "workflow", graphKey };
    return { kind: "unsupported", reason: `Workflow ${graphKey} is not in the compiled workflow.` };
  }
  const words =
    target.case === "branchNode" || target.case === "gateNode" || target.case === "arrayNode"
      ? KIND_WORDS[target.case]
      : "A launch plan as a node";
  return { kind: "unsupported", reason: `${words} cannot run on this server yet.` };
}

/** Node and task say 0 for "nothing said", so a node's value wins only when it is above 0. */
function readLimits(node: Node, target: NodeTarget, isInterruptibleByDefault: boolean) {
  const task = target.kind === "task" ? target.task.template.metadata : undefined;
  const { metadata } = node;
  const said =
    metadata?.interruptibleValue.case === "interruptible" ? metadata.interruptibleValue : task?.interruptibleValue;
  return {
    retries: metadata?.retries?.retries || task?.retries?.retries || 0,
    timeoutMs: toMs(metadata?.timeout) || toMs(task?.timeout),
    interruptible: said?.value ?? isInterruptibleByDefault,
  };
}

const toMs = (duration: { readonly seconds: bigint; readonly nanos: number } | undefined): number =>
  duration === undefined ? 0 : Number(duration.seconds) * 1000 + Math.round(duration.nanos / 1e6);

function inputTypesOf(target: NodeTarget, own: TypedInterface | undefined, { interfaces }: Entities) {
  switch (target.kind) {
    case "task":
      return target.task.template.interface?.inputs;
    case "workflow":
      return interfaces.get(target.graphKey)?.inputs;
    case "end":
      return own?.outputs;
    default:
      return undefined;
  }
}

function readUnionTypes(inputs: TypedInterface["inputs"]): ReadonlyMap<string, LiteralType> {
  const types = new Map<string, LiteralType>();
  for (const [name, { type }] of Object.entries(inputs?.variables ?? {})) {
    if (type && holdsUnion(type)) types.set(name, type);
  }
  return types;
}

/** Ids of the nodes that a node's bindings read from. The empty id stands for the workflow's own inputs. */
function readProducers(node: Node): string[] {
  const ids = new Set<string>();
  const collect = (data: BindingData): void => {
    if (data.value.case === "promise") ids.add(data.value.value.nodeId || START_NODE_ID);
    else if (data.value.case === "collection") data.value.value.bindings.forEach(collect);
    else if (data.value.case === "map") Object.values(data.value.value.bindings).forEach(collect);
  };
  for (const { binding } of node.inputs) if (binding) collect(binding);
  return [...ids];
}

import { invariant } from "@skein/errors";
import {
  type CompiledWorkflow,
  type CompiledWorkflowClosure,
  type Node,
  WorkflowMetadata_OnFailurePolicy,
} from "@skein/idl/core";
import { at } from "./at.ts";
import { entityKey } from "./entity-key.ts";
import type { Graph, GraphNode, NodeTarget, Program, ProgramTask } from "./program.ts";
import { END_NODE_ID, START_NODE_ID } from "./system-nodes.ts";
import { readLimits } from "./targets/limits.ts";
import { specialInputs } from "./targets/node-types.ts";
import { producersOf, upstreamOfInner, valuesLookedInto } from "./targets/producers.ts";
import type { Entities, ReadScope } from "./targets/read-scope.ts";
import { readTarget } from "./targets/target.ts";

/** Indexes a compiled closure. */
export function readProgram(closure: CompiledWorkflowClosure): Program {
  invariant(closure.primary, "a compiled closure has a primary workflow");
  const workflows = [closure.primary, ...closure.subWorkflows];
  const entities: Entities = {
    tasks: readTasks(closure),
    workflows: new Map(workflows.map((workflow) => [keyOf(workflow), workflow.template?.interface])),
    launchPlans: new Map(
      closure.launchPlans.flatMap(({ template }) =>
        template?.id ? [[entityKey(template.id), template.interface]] : [],
      ),
    ),
  };
  const graphs = workflows.map((workflow) => readGraph(workflow, entities));
  return { root: at(graphs, 0), graphs: new Map(graphs.map((graph) => [graph.key, graph])), tasks: entities.tasks };
}

function readTasks(closure: CompiledWorkflowClosure): ReadonlyMap<string, ProgramTask> {
  const tasks = new Map<string, ProgramTask>();
  for (const { template } of closure.tasks) {
    if (!template?.id) continue;
    const key = entityKey(template.id);
    tasks.set(key, { key, template, orderKind: template.type === "echo" ? "echo" : "container" });
  }
  return tasks;
}

function keyOf({ template }: CompiledWorkflow): string {
  invariant(template?.id, "a compiled workflow has an id");
  return entityKey(template.id);
}

function readGraph(workflow: CompiledWorkflow, entities: Entities): Graph {
  const { template } = workflow;
  invariant(template, "a compiled workflow has a template");
  const key = keyOf(workflow);
  const indexOf = new Map(template.nodes.map((node, index) => [node.id, index]));
  const scope: ReadScope = {
    ...entities,
    own: template.interface,
    isInterruptible: template.metadataDefaults?.interruptible ?? false,
    getIndex: (id) => {
      const index = indexOf.get(id);
      invariant(index !== undefined, `workflow ${key} has no node ${id}`);
      return index;
    },
    readInner: (node) => readNode(node, scope),
    readMapped: (node, target) => readNode(node, scope, target),
  };
  const downstream = readEdges(workflow, template.nodes, scope.getIndex, indexOf);
  const inDegrees = new Int32Array(template.nodes.length);
  for (const targets of downstream) for (const target of targets) inDegrees[target] = at(inDegrees, target) + 1;
  const isPatient =
    template.metadata?.onFailure === WorkflowMetadata_OnFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE;
  return {
    key,
    nodes: template.nodes.map((node, index) => ({
      ...readNode(node, scope),
      index,
      inDegree: at(inDegrees, index),
      downstream: [...at(downstream, index)],
    })),
    indexOf,
    start: scope.getIndex(START_NODE_ID),
    end: scope.getIndex(END_NODE_ID),
    failurePolicy: isPatient ? "failAfterExecutableNodesComplete" : "failImmediately",
    failureNode: template.failureNode ? readNode(template.failureNode, scope) : null,
  };
}

/**
 * For each node, the nodes that wait for it. A branch waits for everything that the nodes inside of it wait for, so that
 * the chosen one can start at once.
 */
function readEdges(
  { connections }: CompiledWorkflow,
  nodes: readonly Node[],
  getIndex: (id: string) => number,
  indexOf: ReadonlyMap<string, number>,
): readonly ReadonlySet<number>[] {
  const edges = nodes.map(({ id }) => new Set((connections?.downstream[id]?.ids ?? []).map(getIndex)));
  for (const [index, node] of nodes.entries()) {
    for (const id of upstreamOfInner(node)) {
      const upstream = indexOf.get(id);
      if (upstream !== undefined && upstream !== index) at(edges, upstream).add(index);
    }
  }
  return edges;
}

function readNode(node: Node, scope: ReadScope, target = targetOf(node, scope)): GraphNode {
  return {
    index: -1,
    id: node.id,
    target,
    inDegree: 0,
    downstream: [],
    bindings: node.inputs,
    producers: producersOf(node).map(scope.getIndex),
    looksInto: valuesLookedInto(node).map(({ nodeId, variable }) => ({ producer: scope.getIndex(nodeId), variable })),
    ...specialInputs(node, target, scope),
    ...readLimits(node, target, scope.isInterruptible),
  };
}

function targetOf(node: Node, scope: ReadScope): NodeTarget {
  if (node.id === START_NODE_ID) return { kind: "start" };
  if (node.id === END_NODE_ID) return { kind: "end" };
  return readTarget(node, scope);
}

import { create } from "@bufbuild/protobuf";
import { invariant } from "@skein/errors";
import {
  type CompiledLaunchPlan,
  CompiledLaunchPlanSchema,
  type CompiledTask,
  type CompiledWorkflow,
  type CompiledWorkflowClosure,
  CompiledWorkflowClosureSchema,
  CompiledWorkflowSchema,
  LaunchPlanTemplateSchema,
  type Node,
  NodeSchema,
  TypedInterfaceSchema,
  VariableMapSchema,
  type WorkflowTemplate,
} from "@skein/idl/core";
import { entityKey } from "../entity-key.ts";
import { END_NODE_ID, START_NODE_ID } from "../system-nodes.ts";
import { checkBindings } from "./bindings.ts";
import { checkBranch } from "./branch.ts";
import { checkGraph } from "./check-graph.ts";
import type { CompileError, ReportError } from "./compile-error.ts";
import { Connections } from "./connections.ts";
import { interfaceOf, outputsOf } from "./node-interface.ts";
import { prepareBindings, prepareNode } from "./prepare-node.ts";
import { findRecursions } from "./recursion.ts";
import { requiredIds } from "./required-ids.ts";
import { type CompileScope, type Entities, type LaunchPlanInterface, type NodeInterface, readTypes } from "./scope.ts";
import { branchTargets } from "./walk-nodes.ts";

/** A workflow and everything it refers to: see `requiredIds`. */
export interface CompileInput {
  readonly template: WorkflowTemplate;
  readonly subWorkflows?: readonly WorkflowTemplate[];
  readonly tasks: readonly CompiledTask[];
  readonly launchPlans?: readonly LaunchPlanInterface[];
}

/** The compiled workflow, or everything that is wrong with it. */
export type CompileResult =
  | { readonly closure: CompiledWorkflowClosure }
  | { readonly errors: readonly CompileError[] };

/** Checks a workflow and its sub-workflows and links their nodes (contract 5.2). The input stays as it is. */
export function compileWorkflow(input: CompileInput): CompileResult {
  const { template, subWorkflows = [] } = input;
  const entities = indexEntities(input);
  const errors: CompileError[] = [];
  const reporter =
    ({ id }: WorkflowTemplate): ReportError =>
    (code, nodeId, description) =>
      errors.push({ code, workflow: id?.name ?? "", nodeId, description });
  const compile = (workflow: WorkflowTemplate): CompiledWorkflow =>
    compileTemplate(workflow, entities, reporter(workflow));
  const primary = compile(template);
  const compiledSubWorkflows = subWorkflows.map(compile);
  findRecursions(template, entities.subWorkflows, reporter(template));
  if (errors.length > 0) return { errors };
  const required = requiredIds(template, subWorkflows);
  const tasks = required.tasks.map((id) => {
    const task = entities.tasks.get(entityKey(id));
    invariant(task, `task ${entityKey(id)} was found by the compiler`);
    return task;
  });
  const launchPlans = required.launchPlans.map((id) => {
    const plan = entities.launchPlans.get(entityKey(id));
    invariant(plan, `launch plan ${entityKey(id)} was found by the compiler`);
    return compiledLaunchPlan(plan);
  });
  return {
    closure: create(CompiledWorkflowClosureSchema, { primary, subWorkflows: compiledSubWorkflows, tasks, launchPlans }),
  };
}

/** Launch plans are compiled to their interface: whoever runs a map over one must know the names of its outputs. */
function compiledLaunchPlan({ id, expectedInputs, expectedOutputs }: LaunchPlanInterface): CompiledLaunchPlan {
  const inputs = Object.entries(expectedInputs?.parameters ?? {}).flatMap(([name, { var: variable }]) =>
    variable ? [[name, variable] as const] : [],
  );
  const declared = create(TypedInterfaceSchema, {
    inputs: create(VariableMapSchema, { variables: Object.fromEntries(inputs) }),
    outputs: expectedOutputs ?? create(VariableMapSchema),
  });
  const template = create(LaunchPlanTemplateSchema, { id, interface: declared });
  return create(CompiledLaunchPlanSchema, { template });
}

const indexEntities = ({ subWorkflows = [], tasks, launchPlans = [] }: CompileInput): Entities => ({
  tasks: new Map(tasks.flatMap((task) => (task.template?.id ? [[entityKey(task.template.id), task]] : []))),
  launchPlans: new Map(launchPlans.map((plan) => [entityKey(plan.id), plan])),
  subWorkflows: new Map(subWorkflows.flatMap((sub) => (sub.id ? [[entityKey(sub.id), sub]] : []))),
});

/** Nodes as the compiled workflow lists them. System nodes of a workflow that was compiled before are made anew. */
function prepareNodes(template: WorkflowTemplate): Node[] {
  const isSystem = ({ id, target }: Node): boolean =>
    (id === START_NODE_ID || id === END_NODE_ID) && target.case === undefined;
  const own = template.nodes.filter((node) => !isSystem(node));
  return [
    create(NodeSchema, { id: START_NODE_ID }),
    create(NodeSchema, { id: END_NODE_ID, inputs: prepareBindings(template.outputs) }),
    ...own.map((node) => prepareNode(node, node.id)),
  ];
}

function compileTemplate(given: WorkflowTemplate, entities: Entities, report: ReportError): CompiledWorkflow {
  const nodes = prepareNodes(given);
  const failureNode = given.failureNode && prepareNode(given.failureNode, given.failureNode.id);
  const connections = new Connections();
  const interfaces = new Map<Node, NodeInterface | null>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const scope: CompileScope = {
    report,
    entities,
    nodes: byId,
    connections,
    interfaces,
    outputsOf: (node) => outputsOf(scope, node),
  };
  const [start, end, ...own] = nodes;
  invariant(start && end, "a compiled workflow has a start and an end");
  const inputs = readTypes(report, START_NODE_ID, given.interface?.inputs);
  const outputs = readTypes(report, END_NODE_ID, given.interface?.outputs);
  interfaces.set(start, { inputs: new Map(), outputs: inputs });
  interfaces.set(end, { inputs: outputs, outputs: new Map() });

  if (own.length === 0) report("NoNodesFound", START_NODE_ID, "Can't find any nodes in the workflow.");
  checkIds(nodes, failureNode, report);
  for (const node of own) checkNode(scope, node, "main");
  if (failureNode) checkNode(scope, failureNode, "aside");
  checkBindings(scope, end, outputs, (from) => connections.connect(from, END_NODE_ID));
  for (const { id } of own) {
    if (!connections.hasUpstream(id)) connections.connect(START_NODE_ID, id);
    if (!connections.hasDownstream(id)) connections.connect(id, END_NODE_ID);
  }
  checkGraph([...byId.keys()], connections, report);

  const noVariables = create(VariableMapSchema);
  const declared = create(TypedInterfaceSchema, {
    inputs: given.interface?.inputs ?? noVariables,
    outputs: given.interface?.outputs ?? noVariables,
  });
  const template = { ...given, interface: declared, nodes, outputs: end.inputs };
  return create(CompiledWorkflowSchema, {
    template: failureNode ? { ...template, failureNode } : template,
    connections: connections.toMessage(),
  });
}

/** Ids are unique among all nodes of a workflow: those inside branches and the failure node are looked up by id too. */
function checkIds(nodes: readonly Node[], failureNode: Node | undefined, report: ReportError): void {
  const seen = new Set<string>();
  const check = (node: Node): void => {
    if (node.id === "") report("ValueRequired", "<node>", "Value required [Id].");
    else if (seen.has(node.id)) report("DuplicateId", node.id, "Trying to insert two nodes with the same id.");
    seen.add(node.id);
    if (node.target.case === "branchNode") branchTargets(node.target.value).forEach(check);
  };
  nodes.forEach(check);
  if (failureNode) check(failureNode);
}

/** `main`: a node of the graph; `aside`: the failure node; else the id of the branch that may run the node. */
type Place = "main" | "aside" | { readonly branch: string };

function checkNode(scope: CompileScope, node: Node, place: Place): void {
  const { connections, report } = scope;
  const branch = typeof place === "object" ? place.branch : undefined;
  const link = (from: string): void => {
    if (place === "main") connections.connect(from, node.id);
    else connections.connectUpstreamOnly(from, node.id, branch);
  };
  const found = interfaceOf(scope, node);
  checkAliases(node, found, report);
  if (place === "main") {
    for (const from of node.upstreamNodeIds) {
      const id = from === "" ? START_NODE_ID : from;
      if (scope.nodes.has(id)) link(id);
      else report("NodeReferenceNotFound", node.id, `Referenced node [${from}] not found.`);
    }
  } else if (branch !== undefined) {
    for (const from of node.upstreamNodeIds) if (scope.nodes.has(from)) connections.order(from, branch);
  }
  const isBranch = node.target.case === "branchNode";
  if (found || isBranch) checkBindings(scope, node, found?.inputs, link);
  if (node.target.case !== "branchNode") return;
  checkBranch(scope, node, node.target.value);
  const owner = branch ?? (place === "main" ? node.id : undefined);
  for (const inner of branchTargets(node.target.value)) {
    checkNode(scope, inner, owner === undefined ? "aside" : { branch: owner });
  }
}

function checkAliases(node: Node, found: NodeInterface | undefined, report: ReportError): void {
  const variables = new Set<string>();
  const names = new Set<string>();
  for (const { var: name, alias } of node.outputAliases) {
    if (variables.has(name) || names.has(alias)) {
      const words = `Duplicate alias [${alias}] found. An output alias can only be used once in the Workflow.`;
      report("DuplicateAlias", node.id, words);
    } else if (found && !found.outputs.has(name)) {
      report("ParameterNotBound", node.id, `Parameter not bound [${alias}].`);
    }
    variables.add(name);
    names.add(alias);
  }
}

import { create } from "@bufbuild/protobuf";
import {
  type ArrayNode,
  type BranchNode,
  type GateNode,
  type LiteralType,
  LiteralTypeSchema,
  type Node,
  type ParameterMap,
} from "@skein/idl/core";
import { entityKey } from "../entity-key.ts";
import { resolveBinding } from "./bindings.ts";
import { castable } from "./castable.ts";
import { type CompileScope, type NodeInterface, readTypes, type Types } from "./scope.ts";
import { typeName } from "./type-name.ts";
import { branchTargets } from "./walk-nodes.ts";

const NOTHING: Types = new Map();

/** What a node takes and hands out, before aliases. Undefined when its errors, already reported, leave it unknown. */
export function interfaceOf(scope: CompileScope, node: Node): NodeInterface | undefined {
  const known = scope.interfaces.get(node);
  if (known !== undefined) return known ?? undefined;
  scope.interfaces.set(node, null);
  const found = targetInterface(scope, node);
  scope.interfaces.set(node, found ?? null);
  return found;
}

function targetInterface(scope: CompileScope, node: Node): NodeInterface | undefined {
  const { target } = node;
  switch (target.case) {
    case "taskNode":
    case "workflowNode":
      return referenceInterface(scope, node, target.value.reference);
    case "branchNode":
      return branchInterface(scope, target.value);
    case "gateNode":
      return gateInterface(scope, node, target.value);
    case "arrayNode":
      return arrayInterface(scope, node, target.value);
    default:
      target.case satisfies undefined;
      scope.report("ValueRequired", node.id, "Value required [Target].");
      return undefined;
  }
}

type Reference = Extract<Node["target"], { case: "taskNode" | "workflowNode" }>["value"]["reference"];

function referenceInterface(scope: CompileScope, node: Node, reference: Reference): NodeInterface | undefined {
  const { report, entities } = scope;
  if (reference.case === undefined) {
    report("ValueRequired", node.id, "Value required [reference to a task, workflow or launch plan].");
    return undefined;
  }
  const key = entityKey(reference.value);
  if (reference.case === "launchplanRef") {
    const plan = entities.launchPlans.get(key);
    if (plan) {
      const inputs = exposedInputs(node, plan.expectedInputs);
      return { inputs, outputs: readTypes(report, node.id, plan.expectedOutputs) };
    }
  } else {
    const isTask = reference.case === "referenceId";
    const found = isTask ? entities.tasks.get(key)?.template : entities.subWorkflows.get(key);
    const read = (side: "inputs" | "outputs"): Types => readTypes(report, node.id, found?.interface?.[side]);
    if (found) return { inputs: read("inputs"), outputs: read("outputs") };
  }
  if (reference.case === "referenceId") report("TaskReferenceNotFound", node.id, `Referenced Task [${key}] not found.`);
  else report("WorkflowReferenceNotFound", node.id, `Referenced Workflow [${key}] not found.`);
  return undefined;
}

/** A launch plan asks for its required inputs, and takes those that the node binds over a default. */
function exposedInputs(node: Node, expected: ParameterMap | undefined): Types {
  const bound = new Set(node.inputs.map((binding) => binding.var));
  const types = new Map<string, LiteralType | undefined>();
  for (const [name, { var: variable, behavior }] of Object.entries(expected?.parameters ?? {}))
    if ((behavior.case === "required" && behavior.value) || bound.has(name)) types.set(name, variable?.type);
  return types;
}

/** A branch hands out what all its inner nodes hand out, each with one type. */
function branchInterface(scope: CompileScope, branch: BranchNode): NodeInterface | undefined {
  let outputs: Map<string, LiteralType | undefined> | undefined;
  for (const inner of branchTargets(branch)) {
    const given = outputsOf(scope, inner);
    if (!given) continue;
    if (!outputs) {
      outputs = new Map(given);
      continue;
    }
    for (const [name, type] of outputs) {
      if (!given.has(name)) outputs.delete(name);
      else if (!isSameType(type, given.get(name))) reportMismatch(scope, inner.id, name, given.get(name), type);
    }
  }
  return outputs ? { inputs: undefined, outputs } : undefined;
}

const isSameType = (left: LiteralType | undefined, right: LiteralType | undefined): boolean =>
  !left || !right || (castable(left, right) && castable(right, left));

function reportMismatch(
  { report }: CompileScope,
  nodeId: string,
  name: string,
  found: LiteralType | undefined,
  expected: LiteralType | undefined,
): void {
  const words = `Variable [${name}] (type [${typeName(found)}]) doesn't match expected type [${typeName(expected)}].`;
  report("MismatchingTypes", nodeId, words);
}

function gateInterface(scope: CompileScope, node: Node, { condition }: GateNode): NodeInterface | undefined {
  switch (condition.case) {
    case "approve":
      return { inputs: undefined, outputs: boundTypes(scope, node) };
    case "signal": {
      const { type, outputVariableName } = condition.value;
      if (!type) scope.report("ValueRequired", node.id, "Value required [GateNode.Signal.Type].");
      if (outputVariableName === "")
        scope.report("ValueRequired", node.id, "Value required [GateNode.Signal.OutputVariableName].");
      return { inputs: NOTHING, outputs: new Map([[outputVariableName, type]]) };
    }
    case "sleep":
      return { inputs: NOTHING, outputs: NOTHING };
    default:
      condition.case satisfies undefined;
      scope.report("NoConditionFound", node.id, `Can't find any condition in gate node [${node.id}].`);
      return undefined;
  }
}

/** The types bound to a node that takes anything. Errors in the bindings are told when the node itself is checked. */
export function boundTypes(scope: CompileScope, node: Node): Types {
  const quiet: CompileScope = { ...scope, report: () => {} };
  const types = new Map<string, LiteralType | undefined>();
  for (const { var: name, binding } of node.inputs)
    if (binding) types.set(name, resolveBinding(quiet, node, name, binding, undefined)?.type);
  return types;
}

const listOf = (element: LiteralType | undefined): LiteralType | undefined =>
  element && create(LiteralTypeSchema, { type: { case: "collectionType", value: element } });

const listsOf = (types: Types, except: ReadonlySet<string>): Types =>
  new Map([...types].map(([name, type]) => [name, except.has(name) ? type : listOf(type)]));

/**
 * A map task's own interface already speaks of lists. Where the inner node keeps its original interface (a mapped launch
 * plan), every input that is not bound whole is a list, and so is every output.
 */
function arrayInterface(scope: CompileScope, node: Node, array: ArrayNode): NodeInterface | undefined {
  if (!array.node) {
    scope.report("ValueRequired", node.id, "Value required [ArrayNode.Node].");
    return undefined;
  }
  const inner = interfaceOf(scope, { ...array.node, id: node.id, inputs: node.inputs });
  if (!inner || array.isOriginalSubNodeInterface !== true) return inner;
  return {
    inputs: inner.inputs && listsOf(inner.inputs, new Set(array.boundInputs)),
    outputs: listsOf(inner.outputs, new Set()),
  };
}

/** What a node hands out under the names that others bind to. Aliases are checked where the node is. */
export function outputsOf(scope: CompileScope, node: Node): Types | undefined {
  const outputs = interfaceOf(scope, node)?.outputs;
  if (!outputs || node.outputAliases.length === 0) return outputs;
  const aliases = new Map(node.outputAliases.map((alias) => [alias.var, alias.alias]));
  return new Map([...outputs].map(([name, type]) => [aliases.get(name) ?? name, type]));
}

import { create } from "@bufbuild/protobuf";
import { type LiteralType, LiteralTypeSchema, type Node, type TypedInterface, type VariableMap } from "@skein/idl/core";
import { entityKey } from "../entity-key.ts";
import { takesError } from "../literal/error-input.ts";
import { holdsUnion } from "../literal/union.ts";
import type { NodeTarget } from "../program.ts";
import type { ReadScope } from "./read-scope.ts";

type Types = ReadonlyMap<string, LiteralType>;

/** What a task, a workflow or a launch plan takes and hands out. */
export function interfaceOf(target: NodeTarget, scope: ReadScope): TypedInterface | undefined {
  switch (target.kind) {
    case "task":
      return target.task.template.interface;
    case "workflow":
      return scope.workflows.get(target.graphKey);
    case "launchPlan":
      return scope.launchPlans.get(entityKey(target.id));
    default:
      return undefined;
  }
}

/** The types that a node declares for its inputs; branches, gates and what cannot run declare none. */
export function declaredInputs(node: Node, target: NodeTarget, scope: ReadScope): Types {
  if (target.kind === "end") return typesOf(scope.own?.outputs);
  if (target.kind !== "array") return typesOf(interfaceOf(target, scope)?.inputs);
  const types = typesOf(interfaceOf(target.array.node.target, scope)?.inputs);
  // A map task's own interface speaks of lists. Another entity keeps its interface, and the map takes lists of it.
  if (node.target.case !== "arrayNode" || !node.target.value.isOriginalSubNodeInterface) return types;
  return new Map([...types].map(([name, type]) => [name, target.array.boundInputs.has(name) ? type : listOf(type)]));
}

const typesOf = (variables: VariableMap | undefined): Types =>
  new Map(Object.entries(variables?.variables ?? {}).flatMap(([name, { type }]) => (type ? [[name, type]] : [])));

const listOf = (type: LiteralType): LiteralType =>
  create(LiteralTypeSchema, { type: { case: "collectionType", value: type } });

const filtered = (types: Types, isKept: (type: LiteralType) => boolean): Types =>
  new Map([...types].filter(([, type]) => isKept(type)));

/** The inputs that need more than the value bound to them. */
export function specialInputs(node: Node, target: NodeTarget, scope: ReadScope) {
  const types = declaredInputs(node, target, scope);
  return { unionTypes: filtered(types, holdsUnion), errorInputs: filtered(types, takesError) };
}

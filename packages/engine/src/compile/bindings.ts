import { create } from "@bufbuild/protobuf";
import {
  type BindingData,
  type LiteralType,
  LiteralTypeSchema,
  type Node,
  type OutputReference,
  type Scalar,
  SimpleType,
} from "@skein/idl/core";
import { castable, isOptional } from "./castable.ts";
import type { CompileErrorCode } from "./compile-error.ts";
import { scalarTypeOf } from "./literal-type.ts";
import type { CompileScope, Types } from "./scope.ts";
import { typeName, unionName } from "./type-name.ts";

/** What a binding turned out to be: its type, where one can be told, and the nodes it reads from. */
export interface Resolved {
  readonly type: LiteralType | undefined;
  readonly nodeIds: readonly string[];
}

/** `name`, or `[2].name` for an element of a list. */
const PROMISE_VARIABLE = /^(?:\[(\d+)\]\.)?(\w+)$/;

/**
 * Checks one binding against the type its parameter expects; undefined expects nothing in particular. Answers undefined
 * when something is wrong, after reporting it.
 */
export function resolveBinding(
  scope: CompileScope,
  node: Node,
  name: string,
  data: BindingData,
  expected: LiteralType | undefined,
): Resolved | undefined {
  const { value } = data;
  const variants = expected?.type.case === "unionType" ? expected.type.value.variants : undefined;
  switch (value.case) {
    case "scalar":
      return resolveScalar(scope, node, name, value.value, expected);
    case "promise":
      return resolvePromise(scope, node, name, value.value, expected);
    case "offloadedMetadata":
      return resolveTyped(scope, node, name, value.value.inferredType, expected);
    case "collection":
      if (variants) return resolveVariant(scope, node, name, data, variants);
      return resolveElements(scope, node, name, "collectionType", value.value.bindings, expected);
    case "map":
      if (variants) return resolveVariant(scope, node, name, data, variants);
      return resolveElements(scope, node, name, "mapValueType", Object.values(value.value.bindings), expected);
    default:
      value.case satisfies undefined;
      scope.report("MismatchingBindings", node.id, bindingMismatch(node, name, expected, "nothing"));
      return undefined;
  }
}

const bindingMismatch = (node: Node, name: string, expected: LiteralType | undefined, received: string): string =>
  `Input [${name}] on node [${node.id}] expects bindings of type [${typeName(expected)}].  Received [${received}]`;

function resolveElements(
  scope: CompileScope,
  node: Node,
  name: string,
  wanted: "collectionType" | "mapValueType",
  bindings: readonly BindingData[],
  expected: LiteralType | undefined,
): Resolved | undefined {
  if (expected && expected.type.case !== wanted) {
    const received = wanted === "collectionType" ? "a list" : "a map";
    scope.report("MismatchingBindings", node.id, bindingMismatch(node, name, expected, received));
    return undefined;
  }
  const element = expected?.type.case === wanted ? expected.type.value : undefined;
  const all = bindings.map((binding) => resolveBinding(scope, node, name, binding, element));
  const resolved = all.filter((item) => item !== undefined);
  if (resolved.length < all.length) return undefined;
  const elementType = element ?? resolved[0]?.type ?? none();
  const type = create(LiteralTypeSchema, { type: { case: wanted, value: elementType } });
  return { type: expected ?? type, nodeIds: resolved.flatMap(({ nodeIds }) => nodeIds) };
}

const none = (): LiteralType => create(LiteralTypeSchema, { type: { case: "simple", value: SimpleType.NONE } });

/** A list or map bound to a union must fit exactly one of its variants. */
function resolveVariant(
  scope: CompileScope,
  node: Node,
  name: string,
  data: BindingData,
  variants: readonly LiteralType[],
): Resolved | undefined {
  const quiet: CompileScope = { ...scope, report: () => {} };
  const matches = variants.flatMap((variant) => {
    const resolved = resolveBinding(quiet, node, name, data, variant);
    return resolved ? [{ variant, resolved }] : [];
  });
  const [first, second] = matches;
  if (first && !second) return first.resolved;
  const what = `Input [${name}] on node [${node.id}] expects bindings of union type [${unionName(variants)}].`;
  const received = `Received [a ${data.value.case === "map" ? "map" : "list"}]`;
  if (first && second) {
    const both = `[${typeName(first.variant)}] and [${typeName(second.variant)}]`;
    const ambiguous = `${what}  ${received} which is ambiguous as both variants ${both} match.`;
    scope.report("AmbiguousBindingUnionValue", node.id, ambiguous);
  } else {
    const incompatible = `${what}  ${received} which does not match any of the variants.`;
    scope.report("IncompatibleBindingUnionValue", node.id, incompatible);
  }
  return undefined;
}

function resolveScalar(
  scope: CompileScope,
  node: Node,
  name: string,
  scalar: Scalar,
  expected: LiteralType | undefined,
): Resolved | undefined {
  const resolved = resolveTyped(scope, node, name, scalarTypeOf(scalar), expected);
  if (!resolved || expected?.type.case !== "enumType") return resolved;
  const { values } = expected.type.value;
  const primitive = scalar.value.case === "primitive" ? scalar.value.value.value : undefined;
  const text = primitive?.case === "stringValue" ? primitive.value : "";
  if (values.includes(text)) return resolved;
  const what = `Input [${name}] on node [${node.id}] is an Enum and expects value to be one of`;
  scope.report("IllegalEnumValue", node.id, `${what} [${values.join(" ")}].  Received [${text}]`);
  return undefined;
}

function resolveTyped(
  { report }: CompileScope,
  node: Node,
  name: string,
  type: LiteralType | undefined,
  expected: LiteralType | undefined,
): Resolved | undefined {
  const fail = (code: CompileErrorCode, description: string): undefined => {
    report(code, node.id, description);
    return undefined;
  };
  if (!type) return fail("UnrecognizedValue", `Unrecognized value [bound to ${name}].`);
  if (expected && !castable(type, expected)) {
    const words = `Variable [${name}] (type [${typeName(type)}]) doesn't match expected type [${typeName(expected)}].`;
    return fail("MismatchingTypes", words);
  }
  return { type, nodeIds: [] };
}

const named = (node: Node, variable: string): string =>
  node.metadata?.name ? `${node.metadata.name}.${variable}` : variable;

function resolvePromise(
  scope: CompileScope,
  node: Node,
  name: string,
  promise: OutputReference,
  expected: LiteralType | undefined,
): Resolved | undefined {
  const fail = (code: CompileErrorCode, description: string): undefined => {
    scope.report(code, node.id, description);
    return undefined;
  };
  const producer = scope.nodes.get(promise.nodeId);
  if (!producer) return fail("NodeReferenceNotFound", `Referenced node [${promise.nodeId}] not found.`);
  const [, index, variable] = PROMISE_VARIABLE.exec(promise.var) ?? [];
  if (variable === undefined) return fail("SyntaxError", `Failed to parse element [${promise.var}].`);
  const outputs = scope.outputsOf(producer);
  const unchecked: Resolved = { type: undefined, nodeIds: [promise.nodeId] };
  // The producer's own errors are told there; its readers still depend on it.
  if (!outputs) return unchecked;
  if (!outputs.has(variable)) {
    return fail("VariableNameNotFound", `Variable [${variable}] not found on node [${promise.nodeId}].`);
  }
  const from = named(producer, promise.var);
  const whole = outputs.get(variable);
  const picked = pick(whole, index === undefined ? promise.attrPath.map(attributeKey) : [index]);
  if ("missing" in picked) {
    const words = `Variable [${from}] (type [${typeName(picked.inside)}]) doesn't have field [${picked.missing}].`;
    return fail("FieldNotFound", words);
  }
  const { type } = picked;
  if (!type || !expected || castable(type, expected)) return { type, nodeIds: [promise.nodeId] };
  const assigned = `assigned to the input variable '${named(node, name)}' which has type [${typeName(expected)}]`;
  return fail("MismatchingTypes", `The output variable '${from}' has type [${typeName(type)}], but it's ${assigned}.`);
}

const attributeKey = ({ value }: OutputReference["attrPath"][number]): string => String(value.value ?? "");

type Picked = { readonly type: LiteralType | undefined } | { readonly missing: string; readonly inside: LiteralType };

/** Follows an attribute path through a type. Where a struct does not say what it holds, the type is unknown. */
function pick(whole: LiteralType | undefined, path: readonly string[]): Picked {
  let type = whole;
  for (const key of path) {
    if (!type) return { type: undefined };
    const inner = type.type;
    if (inner.case === "collectionType" || inner.case === "mapValueType") type = inner.value;
    else if (inner.case === "unionType" || inner.case === undefined) return { type: undefined };
    else if (inner.case === "simple" && (inner.value === SimpleType.STRUCT || inner.value === SimpleType.BINARY)) {
      const fields = type.structure?.dataclassType ?? {};
      if (Object.keys(fields).length === 0) return { type: undefined };
      if (!Object.hasOwn(fields, key)) return { missing: key, inside: type };
      type = fields[key];
    } else return { missing: key, inside: type };
  }
  return { type };
}

/** Checks all bindings of a node against the parameters it has, and calls `onEdge` for each node that one reads from. */
export function checkBindings(
  scope: CompileScope,
  node: Node,
  parameters: Types | undefined,
  onEdge: (from: string) => void,
): void {
  const seen = new Set<string>();
  for (const { var: name, binding } of node.inputs) {
    if (parameters && !parameters.has(name)) {
      scope.report("VariableNameNotFound", node.id, `Variable [${name}] not found on node [${node.id}].`);
    } else if (seen.has(name)) {
      scope.report("ParameterBoundMoreThanOnce", node.id, `Input [${name}] is bound more than once.`);
    } else if (!binding) {
      scope.report("ValueRequired", node.id, `Value required [binding of ${name}].`);
    } else {
      const resolved = resolveBinding(scope, node, name, binding, parameters?.get(name));
      for (const from of resolved?.nodeIds ?? []) onEdge(from);
    }
    seen.add(name);
  }
  for (const [name, type] of parameters ?? []) {
    if (!seen.has(name) && !(type && isOptional(type)))
      scope.report("ParameterNotBound", node.id, `Parameter not bound [${name}].`);
  }
}

import { create } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import {
  type BindingData,
  type Literal,
  LiteralCollectionSchema,
  type LiteralMap,
  LiteralMapSchema,
  LiteralSchema,
} from "@skein/idl/core";
import type { Failure } from "../event.ts";
import type { GraphNode } from "../program.ts";
import { followPath } from "./attr-path.ts";
import { BindingError } from "./binding-error.ts";
import { MsgpackError } from "./msgpack.ts";
import { wrapUnions } from "./union.ts";

/** Finds the values of an upstream node by its id; undefined when it has none. */
export type ReadProducer = (nodeId: string) => LiteralMap | undefined;

/** Reads a literal of a node that its task offloaded, a serialized `Literal`. */
export type ReadOffloaded = (nodeId: string, uri: string) => Uint8Array | undefined;

/** Where the values of bindings come from. */
export interface Producers {
  readonly read: ReadProducer;
  readonly readOffloaded: ReadOffloaded;
}

/** The inputs of a node as a serialized `LiteralMap`, or why they could not be put together. */
export type BindResult = { readonly bytes: Uint8Array } | { readonly failure: Failure };

/** Resolves all bindings of a node (contract 6.5). Literals keep what this version does not know of them. */
export function bindInputs(
  node: Pick<GraphNode, "bindings" | "unionTypes" | "target">,
  producers: Producers,
): BindResult {
  const isMap = node.target.kind === "array";
  const entries: [string, Literal][] = [];
  for (const { var: name, binding } of node.bindings) {
    try {
      const literal = resolve(binding, producers, isMap);
      const unionType = node.unionTypes.get(name);
      entries.push([name, unionType ? wrapUnions(literal, unionType) : literal]);
    } catch (error) {
      if (!(error instanceof BindingError || error instanceof MsgpackError)) throw error;
      const message = `Input "${name}" could not be resolved: ${error.message}.`;
      return { failure: { code: "BindingResolutionFailure", message, kind: "system", recoverable: false } };
    }
  }
  return { bytes: toBytes(LiteralMapSchema, create(LiteralMapSchema, { literals: Object.fromEntries(entries) })) };
}

/** Reads a stored value; what is no `LiteralMap` is the failure of whoever reads it. */
export function decodeLiteralMap(bytes: Uint8Array, nodeId: string): LiteralMap {
  try {
    return fromBytes(LiteralMapSchema, bytes);
  } catch (error) {
    throw new BindingError(`the values of node "${nodeId}" are not a LiteralMap (${(error as Error).message})`);
  }
}

function resolve(data: BindingData | undefined, producers: Producers, isMap: boolean): Literal {
  switch (data?.value.case) {
    case "scalar":
      return create(LiteralSchema, { value: { case: "scalar", value: data.value.value } });
    case "offloadedMetadata":
      return create(LiteralSchema, { value: { case: "offloadedMetadata", value: data.value.value } });
    case "collection": {
      const literals = data.value.value.bindings.map((item) => resolve(item, producers, isMap));
      return create(LiteralSchema, {
        value: { case: "collection", value: create(LiteralCollectionSchema, { literals }) },
      });
    }
    case "map": {
      const entries = Object.entries(data.value.value.bindings).map(([key, item]) => [
        key,
        resolve(item, producers, isMap),
      ]);
      const value = create(LiteralMapSchema, { literals: Object.fromEntries(entries) });
      return create(LiteralSchema, { value: { case: "map", value } });
    }
    case "promise": {
      const { nodeId, var: name, attrPath } = data.value.value;
      const literals = producers.read(nodeId)?.literals ?? {};
      const literal = Object.hasOwn(literals, name) ? literals[name] : undefined;
      if (!literal) throw new BindingError(`${nodeId ? `node "${nodeId}"` : "the workflow"} has no value "${name}"`);
      const isLookedInto = isMap || attrPath.length > 0;
      return followPath(isLookedInto ? wholeOf(literal, nodeId, producers) : literal, attrPath);
    }
    default:
      throw new BindingError("it is bound to nothing");
  }
}

/** A literal that its task offloaded is read back where something in it is wanted. */
function wholeOf(literal: Literal, nodeId: string, { readOffloaded }: Producers): Literal {
  if (literal.value.case !== "offloadedMetadata") return literal;
  const { uri } = literal.value.value;
  const bytes = readOffloaded(nodeId, uri);
  if (!bytes?.length) throw new BindingError(`the offloaded value at ${uri} cannot be read`);
  try {
    return fromBytes(LiteralSchema, bytes);
  } catch (error) {
    throw new BindingError(`the offloaded value at ${uri} is not a Literal (${(error as Error).message})`);
  }
}

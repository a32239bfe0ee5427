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

/** The inputs of a node as a serialized `LiteralMap`, or why they could not be put together. */
export type BindResult = { readonly bytes: Uint8Array } | { readonly failure: Failure };

/** Resolves all bindings of a node (contract 6.5). Literals keep what this version does not know of them. */
export function bindInputs(node: Pick<GraphNode, "bindings" | "unionTypes">, read: ReadProducer): BindResult {
  const entries: [string, Literal][] = [];
  for (const { var: name, binding } of node.bindings) {
    try {
      const literal = resolve(binding, read);
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

function resolve(data: BindingData | undefined, read: ReadProducer): Literal {
  switch (data?.value.case) {
    case "scalar":
      return create(LiteralSchema, { value: { case: "scalar", value: data.value.value } });
    case "offloadedMetadata":
      return create(LiteralSchema, { value: { case: "offloadedMetadata", value: data.value.value } });
    case "collection": {
      const literals = data.value.value.bindings.map((item) => resolve(item, read));
      return create(LiteralSchema, {
        value: { case: "collection", value: create(LiteralCollectionSchema, { literals }) },
      });
    }
    case "map": {
      const entries = Object.entries(data.value.value.bindings).map(([key, item]) => [key, resolve(item, read)]);
      const value = create(LiteralMapSchema, { literals: Object.fromEntries(entries) });
      return create(LiteralSchema, { value: { case: "map", value } });
    }
    case "promise": {
      const { nodeId, var: name, attrPath } = data.value.value;
      const literals = read(nodeId)?.literals ?? {};
      const literal = Object.hasOwn(literals, name) ? literals[name] : undefined;
      if (!literal) throw new BindingError(`${nodeId ? `node "${nodeId}"` : "the workflow"} has no value "${name}"`);
      return followPath(literal, attrPath);
    }
    default:
      throw new BindingError("it is bound to nothing");
  }
}

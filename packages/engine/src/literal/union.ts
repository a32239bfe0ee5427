import { create } from "@bufbuild/protobuf";
import {
  type Literal,
  LiteralCollectionSchema,
  LiteralMapSchema,
  LiteralSchema,
  type LiteralType,
  ScalarSchema,
  UnionSchema,
} from "@skein/idl/core";
import { literalFits } from "../compile/literal-type.ts";

/** Whether a value of this type may have to be wrapped into a union somewhere inside. */
export function holdsUnion(type: LiteralType): boolean {
  switch (type.type.case) {
    case "unionType":
      return true;
    case "collectionType":
    case "mapValueType":
      return holdsUnion(type.type.value);
    default:
      return false;
  }
}

/**
 * Wraps a literal, or the elements of a collection or map, into `Union{value, type}` where `type` declares a union and
 * the literal is not one yet. A literal that fits no variant stays as it is: what reads it says so best.
 */
export function wrapUnions(literal: Literal, type: LiteralType): Literal {
  if (type.type.case === "unionType") return wrap(literal, type.type.value.variants);
  if (type.type.case === "collectionType" && literal.value.case === "collection") {
    const element = type.type.value;
    const literals = literal.value.value.literals.map((item) => wrapUnions(item, element));
    return { ...literal, value: { case: "collection", value: create(LiteralCollectionSchema, { literals }) } };
  }
  if (type.type.case === "mapValueType" && literal.value.case === "map") {
    const element = type.type.value;
    const entries = Object.entries(literal.value.value.literals).map(([key, item]) => [key, wrapUnions(item, element)]);
    const value = create(LiteralMapSchema, { literals: Object.fromEntries(entries) });
    return { ...literal, value: { case: "map", value } };
  }
  return literal;
}

function wrap(literal: Literal, variants: readonly LiteralType[]): Literal {
  if (literal.value.case === "scalar" && literal.value.value.value.case === "union") return literal;
  const variant = variants.find((candidate) => literalFits(literal, candidate));
  if (!variant) return literal;
  const union = create(UnionSchema, { value: wrapUnions(literal, variant), type: variant });
  return create(LiteralSchema, {
    value: { case: "scalar", value: create(ScalarSchema, { value: { case: "union", value: union } }) },
  });
}

import { create } from "@bufbuild/protobuf";
import {
  type Literal,
  type LiteralType,
  LiteralTypeSchema,
  type Primitive,
  type Scalar,
  SimpleType,
} from "@skein/idl/core";
import { castable } from "./castable.ts";
import { canonicalText } from "./digest.ts";

/** The tag of a `Binary` that holds a dataclass, a pydantic model or a dict (flytekit ≥ 1.14). */
const MSGPACK = "msgpack";

const PRIMITIVE_TYPES: Record<NonNullable<Primitive["value"]["case"]>, SimpleType> = {
  integer: SimpleType.INTEGER,
  floatValue: SimpleType.FLOAT,
  stringValue: SimpleType.STRING,
  boolean: SimpleType.BOOLEAN,
  datetime: SimpleType.DATETIME,
  duration: SimpleType.DURATION,
};

const simple = (value: SimpleType): LiteralType => create(LiteralTypeSchema, { type: { case: "simple", value } });

/** The type that a scalar's own form shows; undefined when it says too little to tell. */
export function scalarTypeOf({ value }: Scalar): LiteralType | undefined {
  switch (value.case) {
    case "primitive": {
      const kind = value.value.value.case;
      return kind === undefined ? undefined : simple(PRIMITIVE_TYPES[kind]);
    }
    case "blob": {
      const type = value.value.metadata?.type;
      return type && create(LiteralTypeSchema, { type: { case: "blob", value: type } });
    }
    case "binary":
      return simple(value.value.tag === MSGPACK ? SimpleType.STRUCT : SimpleType.BINARY);
    case "schema":
      return create(LiteralTypeSchema, { type: { case: "schema", value: value.value.type ?? {} } });
    case "structuredDataset": {
      const type = value.value.metadata?.structuredDatasetType ?? {};
      return create(LiteralTypeSchema, { type: { case: "structuredDatasetType", value: type } });
    }
    case "noneType":
      return simple(SimpleType.NONE);
    case "error":
      return simple(SimpleType.ERROR);
    case "generic":
      return simple(SimpleType.STRUCT);
    case "union": {
      const { type } = value.value;
      return create(LiteralTypeSchema, { type: { case: "unionType", value: { variants: type ? [type] : [] } } });
    }
    default:
      return value.case satisfies undefined;
  }
}

const isEmpty = ({ value }: Literal): boolean =>
  (value.case === "collection" && value.value.literals.length === 0) ||
  (value.case === "map" && Object.keys(value.value.literals).length === 0);

/** Elements of one type have it; different types make a union; an empty list next to full ones says nothing. */
function elementTypeOf(literals: readonly Literal[]): LiteralType | undefined {
  const full = literals.filter((literal) => !isEmpty(literal));
  const distinct = new Map<string, LiteralType>();
  for (const literal of full.length > 0 ? full : literals.slice(0, 1)) {
    const type = literalTypeOf(literal);
    if (!type) return undefined;
    distinct.set(canonicalText(type), type);
  }
  const [only, ...others] = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, type]) => type);
  if (!only) return simple(SimpleType.NONE);
  if (others.length === 0) return only;
  return create(LiteralTypeSchema, { type: { case: "unionType", value: { variants: [only, ...others] } } });
}

/** The type that a literal's own form shows (contract 7); undefined when it says too little to tell. */
export function literalTypeOf({ value }: Literal): LiteralType | undefined {
  switch (value.case) {
    case "scalar":
      return scalarTypeOf(value.value);
    case "collection": {
      const element = elementTypeOf(value.value.literals);
      return element && create(LiteralTypeSchema, { type: { case: "collectionType", value: element } });
    }
    case "map": {
      const element = elementTypeOf(Object.values(value.value.literals));
      return element && create(LiteralTypeSchema, { type: { case: "mapValueType", value: element } });
    }
    case "offloadedMetadata":
      return value.value.inferredType;
    default:
      return value.case satisfies undefined;
  }
}

/** Whether `literal` may be given for `type`. Looks into lists and maps, so each element is judged by itself. */
export function literalFits(literal: Literal, type: LiteralType): boolean {
  const [{ value }, wanted] = [literal, type.type];
  if (value.case === "collection" && wanted.case === "collectionType")
    return value.value.literals.every((element) => literalFits(element, wanted.value));
  if (value.case === "map" && wanted.case === "mapValueType")
    return Object.values(value.value.literals).every((element) => literalFits(element, wanted.value));
  if ((value.case === "collection" || value.case === "map") && wanted.case === "unionType")
    return wanted.value.variants.filter((variant) => literalFits(literal, variant)).length === 1;
  if (value.case === "collection" || value.case === "map") return false;
  if (wanted.case === "enumType" && value.case === "scalar" && value.value.value.case === "primitive") {
    const { value: primitive } = value.value.value.value;
    if (primitive.case === "stringValue") return wanted.value.values.includes(primitive.value);
  }
  const found = literalTypeOf(literal);
  return found !== undefined && castable(found, type);
}

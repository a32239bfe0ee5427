import { create } from "@bufbuild/protobuf";
import {
  type Literal,
  LiteralCollectionSchema,
  LiteralMapSchema,
  LiteralSchema,
  type LiteralType,
  type Primitive,
  ScalarSchema,
  SimpleType,
  UnionSchema,
} from "@skein/idl/core";

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
  const variant = variants.find((candidate) => fits(literal, candidate));
  if (!variant) return literal;
  const union = create(UnionSchema, { value: wrapUnions(literal, variant), type: variant });
  return create(LiteralSchema, {
    value: { case: "scalar", value: create(ScalarSchema, { value: { case: "union", value: union } }) },
  });
}

const SIMPLE_OF_PRIMITIVE: Record<NonNullable<Primitive["value"]["case"]>, SimpleType> = {
  integer: SimpleType.INTEGER,
  floatValue: SimpleType.FLOAT,
  stringValue: SimpleType.STRING,
  boolean: SimpleType.BOOLEAN,
  datetime: SimpleType.DATETIME,
  duration: SimpleType.DURATION,
};

function fits(literal: Literal, type: LiteralType): boolean {
  const { value } = literal;
  switch (value.case) {
    case "collection":
      return type.type.case === "collectionType" && value.value.literals.every(fitsElement(type.type.value));
    case "map":
      return (
        type.type.case === "mapValueType" && Object.values(value.value.literals).every(fitsElement(type.type.value))
      );
    case "scalar":
      return fitsScalar(value.value.value, type);
    case "offloadedMetadata":
      return value.value.inferredType?.type.case === type.type.case;
    default:
      return false;
  }
}

const fitsElement = (type: LiteralType) => (literal: Literal) => fits(literal, type);

type ScalarValue = Extract<Literal["value"], { case: "scalar" }>["value"]["value"];

function fitsScalar(scalar: ScalarValue, { type }: LiteralType): boolean {
  const isSimple = (...wanted: SimpleType[]) => type.case === "simple" && wanted.includes(type.value);
  switch (scalar.case) {
    case "primitive":
      if (scalar.value.value.case === undefined) return false;
      if (type.case === "enumType")
        return scalar.value.value.case === "stringValue" && type.value.values.includes(scalar.value.value.value);
      return isSimple(SIMPLE_OF_PRIMITIVE[scalar.value.value.case]);
    case "noneType":
      return isSimple(SimpleType.NONE);
    case "error":
      return isSimple(SimpleType.ERROR);
    case "generic":
      return isSimple(SimpleType.STRUCT);
    case "binary":
      // flytekit writes dataclasses as msgpack, and lists and maps of anything too, so the type may be any of these.
      return (
        isSimple(SimpleType.BINARY, SimpleType.STRUCT) || type.case === "collectionType" || type.case === "mapValueType"
      );
    case "blob":
      return type.case === "blob" && fitsBlob(scalar.value.metadata?.type, type.value);
    case "schema":
      return type.case === "schema";
    case "structuredDataset":
      return type.case === "structuredDatasetType" || type.case === "schema";
    case "union":
      return type.case === "unionType";
    default:
      return false;
  }
}

interface BlobShape {
  readonly format: string;
  readonly dimensionality: number;
}

function fitsBlob(given: BlobShape | undefined, declared: BlobShape): boolean {
  if (!given) return true;
  const isSameFormat = given.format === "" || declared.format === "" || given.format === declared.format;
  return isSameFormat && given.dimensionality === declared.dimensionality;
}

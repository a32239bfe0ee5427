import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { SkeinError } from "@skein/errors";
import {
  type Literal,
  type LiteralMap,
  LiteralMapSchema,
  LiteralSchema,
  type LiteralType,
  type ParameterMap,
  SimpleType,
} from "@skein/idl/core";
import type { PlainValue } from "./plain-literal.ts";

type ScalarInit = Extract<NonNullable<MessageInitShape<typeof LiteralSchema>["value"]>, { case: "scalar" }>["value"];

/** Plain JSON inputs as literals of the types that the launched thing expects. A name it does not know is refused. */
export function literalsFromPlain(
  expected: ParameterMap | undefined,
  inputs: Readonly<Record<string, PlainValue>>,
): LiteralMap {
  const literals = Object.entries(inputs).map(([name, plain]) => {
    const type = expected?.parameters[name]?.var?.type;
    if (!type) {
      const known = Object.keys(expected?.parameters ?? {}).join(", ") || "none";
      throw invalid(`inputs.${name}`, `there is no such input; known are: ${known}`);
    }
    return [name, literalFromPlain(type, plain, `inputs.${name}`)] as const;
  });
  return create(LiteralMapSchema, { literals: Object.fromEntries(literals) });
}

/** One value; `where` is what an error names. */
export function literalFromPlain({ type }: LiteralType, plain: PlainValue, where: string): Literal {
  switch (type.case) {
    case "simple":
      return scalar(simpleScalar(type.value, plain, where));
    case "enumType": {
      if (typeof plain === "string" && type.value.values.includes(plain)) return text(plain);
      throw invalid(where, `it must be one of ${type.value.values.join(", ")}`);
    }
    case "blob":
      return scalar({ value: { case: "blob", value: { uri: uriOf(plain, where), metadata: { type: type.value } } } });
    case "structuredDatasetType": {
      const metadata = { structuredDatasetType: type.value };
      return scalar({ value: { case: "structuredDataset", value: { uri: uriOf(plain, where), metadata } } });
    }
    case "schema":
      return scalar({ value: { case: "schema", value: { uri: uriOf(plain, where), type: type.value } } });
    case "collectionType": {
      const item = type.value;
      if (!Array.isArray(plain)) throw invalid(where, "it must be a list");
      const literals = plain.map((one, index) => literalFromPlain(item, one, `${where}[${index}]`));
      return create(LiteralSchema, { value: { case: "collection", value: { literals } } });
    }
    case "mapValueType": {
      const item = type.value;
      const entries = Object.entries(objectOf(plain, where));
      const literals = entries.map(([key, one]) => [key, literalFromPlain(item, one, `${where}.${key}`)] as const);
      return create(LiteralSchema, { value: { case: "map", value: { literals: Object.fromEntries(literals) } } });
    }
    case "unionType":
      return unionOf(type.value.variants, plain, where);
    default:
      throw invalid(where, `a value of type ${type.case ?? "unknown"} cannot be given as JSON: send inputsProto`);
  }
}

/** The first variant that takes the value; `None` is tried last, because null fits only it. */
function unionOf(variants: readonly LiteralType[], plain: PlainValue, where: string): Literal {
  for (const variant of variants) {
    try {
      const value = literalFromPlain(variant, plain, where);
      return scalar({ value: { case: "union", value: { value, type: variant } } });
    } catch (error) {
      if (!(error instanceof SkeinError)) throw error;
    }
  }
  throw invalid(where, "it fits none of the types that this input may have");
}

function simpleScalar(simple: SimpleType, plain: PlainValue, where: string): ScalarInit {
  switch (simple) {
    case SimpleType.NONE:
      if (plain === null) return { value: { case: "noneType", value: {} } };
      throw invalid(where, "it must be null");
    case SimpleType.INTEGER:
      return primitive({ case: "integer", value: integerOf(plain, where) });
    case SimpleType.FLOAT:
      return primitive({ case: "floatValue", value: floatOf(plain, where) });
    case SimpleType.STRING:
      if (typeof plain === "string") return primitive({ case: "stringValue", value: plain });
      throw invalid(where, "it must be text");
    case SimpleType.BOOLEAN:
      if (typeof plain === "boolean") return primitive({ case: "boolean", value: plain });
      throw invalid(where, "it must be true or false");
    case SimpleType.DATETIME:
      return primitive({ case: "datetime", value: timestampFromDate(dateOf(plain, where)) });
    case SimpleType.DURATION:
      return primitive({ case: "duration", value: durationFromMs(durationMsOf(plain, where)) });
    case SimpleType.STRUCT:
      return { value: { case: "generic", value: objectOf(plain, where) as JsonObject } };
    default:
      throw invalid(where, `a value of type ${SimpleType[simple]} cannot be given as JSON: send inputsProto`);
  }
}

function integerOf(plain: PlainValue, where: string): bigint {
  const isWhole = Number.isSafeInteger(plain) || (typeof plain === "string" && /^-?\d{1,19}$/.test(plain));
  const value = isWhole ? BigInt(plain as number | string) : undefined;
  if (value === undefined || BigInt.asIntN(64, value) !== value) {
    throw invalid(where, "it must be a whole number of 64 bits; write one beyond 2^53 as text");
  }
  return value;
}

function floatOf(plain: PlainValue, where: string): number {
  if (typeof plain === "number") return plain;
  if (plain === "NaN" || plain === "Infinity" || plain === "-Infinity") return Number(plain);
  throw invalid(where, "it must be a number");
}

function dateOf(plain: PlainValue, where: string): Date {
  const date = new Date(typeof plain === "string" ? plain : Number.NaN);
  if (Number.isNaN(date.getTime())) throw invalid(where, "it must be a moment such as 2026-01-31T12:00:00Z");
  return date;
}

function durationMsOf(plain: PlainValue, where: string): number {
  const [, seconds] = /^(-?\d+(?:\.\d+)?)s$/.exec(typeof plain === "string" ? plain : "") ?? [];
  if (seconds === undefined) throw invalid(where, "it must be seconds such as 90s or 1.5s");
  return Number(seconds) * 1_000;
}

function uriOf(plain: PlainValue, where: string): string {
  const uri = typeof plain === "string" ? plain : isObject(plain) ? plain.uri : undefined;
  if (typeof uri === "string" && uri !== "") return uri;
  throw invalid(where, "it must be a URI");
}

function objectOf(plain: PlainValue, where: string): { readonly [key: string]: PlainValue } {
  if (isObject(plain)) return plain;
  throw invalid(where, "it must be an object");
}

const isObject = (plain: PlainValue): plain is { readonly [key: string]: PlainValue } =>
  typeof plain === "object" && plain !== null && !Array.isArray(plain);

type PrimitiveInit = Extract<NonNullable<ScalarInit["value"]>, { case: "primitive" }>["value"]["value"];
const primitive = (value: NonNullable<PrimitiveInit>): ScalarInit => ({
  value: { case: "primitive", value: { value } },
});
const scalar = (value: ScalarInit): Literal => create(LiteralSchema, { value: { case: "scalar", value } });
const text = (value: string): Literal => scalar(primitive({ case: "stringValue", value }));

const invalid = (where: string, why: string): SkeinError =>
  new SkeinError("invalid_argument", "invalid_input", `${where}: ${why}.`);

import { create, type JsonObject } from "@bufbuild/protobuf";
import { type Literal, LiteralSchema, type Primitive, type Scalar, SimpleType } from "@skein/idl/core";

/** Reads the text of an output file as a value of a simple type; undefined when it is none. Blanks around it do not count. */
export function readSimple(type: SimpleType, content: string): Literal | undefined {
  const text = content.replace(/^[ \n\t]+|[ \n\t]+$/g, "");
  switch (type) {
    case SimpleType.NONE:
      return scalar({ case: "noneType", value: { $typeName: "flyteidl.core.Void" } });
    case SimpleType.STRUCT:
      return readStruct(text);
    case SimpleType.ERROR:
      return scalar({ case: "error", value: { $typeName: "flyteidl.core.Error", failedNodeId: "", message: text } });
    default: {
      const value = readPrimitive(type, text);
      return value && scalar({ case: "primitive", value: { $typeName: "flyteidl.core.Primitive", value } });
    }
  }
}

/** A value that its program packed with msgpack. */
export const readBinary = (value: Uint8Array): Literal =>
  scalar({ case: "binary", value: { $typeName: "flyteidl.core.Binary", value, tag: "msgpack" } });

const scalar = (value: Scalar["value"]): Literal =>
  create(LiteralSchema, { value: { case: "scalar", value: { $typeName: "flyteidl.core.Scalar", value } } });

function readStruct(text: string): Literal | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return create(LiteralSchema, {
      value: { case: "scalar", value: { value: { case: "generic", value: value as JsonObject } } },
    });
  } catch {
    return undefined;
  }
}

function readPrimitive(type: SimpleType, text: string): Primitive["value"] | undefined {
  switch (type) {
    case SimpleType.INTEGER:
      return isInt64(text) ? { case: "integer", value: BigInt(text) } : undefined;
    case SimpleType.FLOAT:
      return readFloat(text);
    case SimpleType.BOOLEAN:
      return /^(true|false|t|f|1|0)$/i.test(text) ? { case: "boolean", value: /^(true|t|1)$/i.test(text) } : undefined;
    case SimpleType.STRING:
      return { case: "stringValue", value: text };
    case SimpleType.DATETIME:
      return readDatetime(text);
    case SimpleType.DURATION:
      return durationOf(text);
    default:
      return undefined;
  }
}

const isInt64 = (text: string): boolean =>
  /^[+-]?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);

function readFloat(text: string): Primitive["value"] | undefined {
  const [, sign, word = ""] = /^([+-]?)(nan|inf|infinity)$/i.exec(text) ?? [];
  if (/^nan$/i.test(word)) return { case: "floatValue", value: Number.NaN };
  if (word !== "") return { case: "floatValue", value: sign === "-" ? -Infinity : Infinity };
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? { case: "floatValue", value: Number(text) } : undefined;
}

function readDatetime(text: string): Primitive["value"] | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const ms = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN;
  if (Number.isNaN(ms)) return undefined;
  const nanos = Number((match?.[2] ?? "").padEnd(9, "0"));
  return { case: "datetime", value: { $typeName: "google.protobuf.Timestamp", seconds: BigInt(ms / 1000), nanos } };
}

const UNIT_NANOS: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };
const DURATION_PART = /(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)/g;

/** `1h30m`, as Go reads it, in nanoseconds; undefined for a text that is none. */
export function readDuration(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) return 0n;
  const [, sign = "", parts = ""] = /^([+-]?)(.+)$/.exec(text) ?? [];
  if (parts === "" || parts.replace(DURATION_PART, "") !== "") return undefined;
  let total = 0n;
  for (const [, amount, unit = ""] of parts.matchAll(DURATION_PART)) {
    total += BigInt(Math.round(Number(amount) * (UNIT_NANOS[unit] ?? 0)));
  }
  return sign === "-" ? -total : total;
}

function durationOf(text: string): Primitive["value"] | undefined {
  const total = readDuration(text);
  if (total === undefined) return undefined;
  const [seconds, nanos] = [total / 1_000_000_000n, Number(total % 1_000_000_000n)];
  return { case: "duration", value: { $typeName: "google.protobuf.Duration", seconds, nanos } };
}

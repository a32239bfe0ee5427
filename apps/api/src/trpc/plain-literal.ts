import type { Literal, LiteralMap, Primitive, Scalar } from "@skein/idl/core";

/** A literal as JSON that people write by hand. int64 is text, so that no digit is lost. */
export type PlainValue =
  | null
  | boolean
  | number
  | string
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

export const toPlainMap = ({ literals }: LiteralMap): { readonly [name: string]: PlainValue } =>
  Object.fromEntries(Object.entries(literals).map(([name, literal]) => [name, toPlain(literal)]));

export function toPlain({ value }: Literal): PlainValue {
  switch (value.case) {
    case "scalar":
      return scalarToPlain(value.value);
    case "collection":
      return value.value.literals.map(toPlain);
    case "map":
      return toPlainMap(value.value);
    case "offloadedMetadata":
      return { uri: value.value.uri, sizeBytes: String(value.value.sizeBytes) };
    case undefined:
      return null;
    default:
      return value satisfies never;
  }
}

function scalarToPlain({ value }: Scalar): PlainValue {
  switch (value.case) {
    case "primitive":
      return primitiveToPlain(value.value);
    case "blob":
      return {
        uri: value.value.uri,
        format: value.value.metadata?.type?.format ?? "",
        isMultipart: value.value.metadata?.type?.dimensionality === 1,
      };
    case "binary":
      return { tag: value.value.tag, base64: Buffer.from(value.value.value).toString("base64") };
    case "schema":
      return { uri: value.value.uri };
    case "structuredDataset":
      return {
        uri: value.value.uri,
        format: value.value.metadata?.structuredDatasetType?.format ?? "",
      };
    case "error":
      return { failedNodeId: value.value.failedNodeId, message: value.value.message };
    case "generic":
      return value.value as PlainValue;
    case "union":
      return value.value.value ? toPlain(value.value.value) : null;
    case "noneType":
    case undefined:
      return null;
    default:
      return value satisfies never;
  }
}

function primitiveToPlain({ value }: Primitive): PlainValue {
  switch (value.case) {
    case "integer":
      return String(value.value);
    case "floatValue":
      // JSON knows no NaN and no infinity.
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case "stringValue":
    case "boolean":
      return value.value;
    case "datetime":
      return dateText(Number(value.value.seconds) * 1_000 + Math.floor(value.value.nanos / 1e6));
    case "duration":
      return `${Number(value.value.seconds) + value.value.nanos / 1e9}s`;
    case undefined:
      return null;
    default:
      return value satisfies never;
  }
}

/** A client may send a moment that no calendar has. */
function dateText(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? `${milliseconds / 1_000}s since 1970` : date.toISOString();
}

import type { Literal, LiteralMap, Primitive } from "@skein/idl/core";

type FoundValue = string | number | boolean;

/** A run is found by its first inputs: they are kept in its row, and in an index. */
const NAMES_MAX = 32;
const NAME_LENGTH_MAX = 255;
const TEXT_LENGTH_MAX = 256;
const JSON_LENGTH_MAX = 4_096;

/**
 * The inputs that a run can be found by: plain values, by their names. int64 beyond what JSON's numbers hold is text; a
 * moment is text as `Date` writes it, a duration its seconds. Null when there is none.
 */
export function foundInputs({ literals }: LiteralMap): Readonly<Record<string, FoundValue>> | null {
  const found: [string, FoundValue][] = [];
  let length = 2;
  for (const [name, literal] of Object.entries(literals)) {
    const value = foundValue(literal);
    if (value === undefined || name.length > NAME_LENGTH_MAX || !isStorable(name)) continue;
    length += JSON.stringify(name).length + JSON.stringify(value).length + 2;
    if (length > JSON_LENGTH_MAX) continue;
    found.push([name, value]);
    if (found.length === NAMES_MAX) break;
  }
  return found.length > 0 ? Object.fromEntries(found) : null;
}

function foundValue({ value }: Literal): FoundValue | undefined {
  const scalar = value.case === "scalar" ? value.value.value : undefined;
  if (scalar?.case === "union") return scalar.value.value && foundValue(scalar.value.value);
  return scalar?.case === "primitive" ? primitiveOf(scalar.value) : undefined;
}

function primitiveOf({ value }: Primitive): FoundValue | undefined {
  switch (value.case) {
    case "integer": {
      const number = Number(value.value);
      return Number.isSafeInteger(number) ? number : String(value.value);
    }
    case "floatValue":
      return Number.isFinite(value.value) ? value.value : undefined;
    case "stringValue":
      return value.value.length <= TEXT_LENGTH_MAX && isStorable(value.value) ? value.value : undefined;
    case "boolean":
      return value.value;
    case "datetime": {
      const date = new Date(Number(value.value.seconds) * 1_000 + Math.floor(value.value.nanos / 1e6));
      return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
    }
    case "duration":
      return Number(value.value.seconds) + value.value.nanos / 1e9;
    default:
      return undefined;
  }
}

/** Postgres keeps neither NUL nor half a character. */
const isStorable = (text: string): boolean => !text.includes("\u0000") && text.isWellFormed();

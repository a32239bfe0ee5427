import type { Primitive } from "@skein/idl/core";
import type { Plain } from "./document.ts";

/** A primitive as Go prints it, which is what raw containers of Flyte read; undefined for an empty one. */
export function primitiveText({ value: primitive }: Primitive): string | undefined {
  switch (primitive.case) {
    case "integer":
    case "floatValue":
    case "boolean":
      return String(primitive.value);
    case "stringValue":
      return primitive.value;
    case "datetime":
      return rfc3339(primitive.value.seconds, primitive.value.nanos);
    case "duration":
      return durationText(primitive.value.seconds, primitive.value.nanos);
    default:
      return undefined;
  }
}

/** The same for a file of its own, where a float never has an exponent. */
export function fileText(primitive: Primitive): string {
  if (primitive.value.case === "floatValue") return floatText(primitive.value.value);
  return primitiveText(primitive) ?? "null";
}

/** The same inside a document: a duration counts nanoseconds there. */
export function plainPrimitive(primitive: Primitive): Plain {
  const { value } = primitive;
  switch (value.case) {
    case "integer":
    case "boolean":
    case "floatValue":
      return value.value;
    case "duration":
      return value.value.seconds * 1_000_000_000n + BigInt(value.value.nanos);
    default:
      return primitiveText(primitive) ?? null;
  }
}

function floatText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  const text = String(value);
  const [, sign = "", whole = "", part = "", exponent = ""] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (exponent === "") return text;
  const [digits, shift] = [whole + part, whole.length + Number(exponent)];
  if (shift <= 0) return `${sign}0.${"0".repeat(-shift)}${digits}`;
  return `${sign}${digits.padEnd(shift, "0")}`;
}

/** No fraction when there is none, and no zeros at its end. */
function rfc3339(seconds: bigint, nanos: number): string {
  const base = new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, "");
  return `${base}${fraction(nanos)}Z`;
}

/** `1h2m3.5s`; what is shorter than a second in the largest unit that fits: `1.5ms`. */
function durationText(seconds: bigint, nanos: number): string {
  const sign = seconds < 0n || nanos < 0 ? "-" : "";
  const total = seconds < 0n ? -seconds : seconds;
  if (total === 0n && nanos !== 0) return `${sign}${subSecondText(Math.abs(nanos))}`;
  const [hours, minutes, rest] = [total / 3600n, (total / 60n) % 60n, total % 60n];
  const head = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : "";
  return `${sign}${head}${rest}${fraction(Math.abs(nanos))}s`;
}

function subSecondText(nanos: number): string {
  if (nanos >= 1e6) return `${nanos / 1e6}ms`;
  return nanos >= 1e3 ? `${nanos / 1e3}µs` : `${nanos}ns`;
}

const fraction = (nanos: number): string =>
  nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;

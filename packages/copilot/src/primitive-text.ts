import type { Primitive } from "@skein/idl/core";

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

/** No fraction when there is none, and no zeros at its end. */
function rfc3339(seconds: bigint, nanos: number): string {
  const base = new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, "");
  return `${base}${fraction(nanos)}Z`;
}

/** `1h2m3.5s`; shorter than a second in seconds, too. */
function durationText(seconds: bigint, nanos: number): string {
  const isNegative = seconds < 0n || nanos < 0;
  const total = seconds < 0n ? -seconds : seconds;
  const [hours, minutes, rest] = [total / 3600n, (total / 60n) % 60n, total % 60n];
  const head = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : "";
  return `${isNegative ? "-" : ""}${head}${rest}${fraction(Math.abs(nanos))}s`;
}

const fraction = (nanos: number): string =>
  nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;

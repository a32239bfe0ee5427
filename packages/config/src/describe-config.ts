import type { z } from "zod";
import { type EnvOptions, exampleOf, variableName } from "./env.ts";

/** One line per variable: name, default or whether it is required, and its `.describe` text. For `--help` and the docs. */
export function describeConfig(schema: z.ZodObject, options: EnvOptions = {}): string {
  const rows = Object.entries(schema.shape).map(([field, type]) => ({
    variable: variableName(field, options),
    fallback: describeDefault(type as z.ZodType),
    text: describeField(type as z.ZodType),
  }));
  const wide = Math.max(...rows.map((row) => row.variable.length));
  const middle = Math.max(...rows.map((row) => row.fallback.length));
  return rows
    .map((row) => `${row.variable.padEnd(wide)}  ${row.fallback.padEnd(middle)}  ${row.text}`.trimEnd())
    .join("\n");
}

function describeDefault(type: z.ZodType): string {
  const result = type.safeParse(undefined);
  if (!result.success) return "required";
  if (result.data === undefined) return "unset";
  return typeof result.data === "string" ? result.data : JSON.stringify(result.data);
}

function describeField(type: z.ZodType): string {
  const example = exampleOf(type);
  return [type.description ?? "", example === undefined ? "" : `(for example ${example})`].filter(Boolean).join(" ");
}

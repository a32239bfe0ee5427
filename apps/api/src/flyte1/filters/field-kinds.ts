import type { ListOperator, ListValue } from "@skein/db";
import { refused } from "./parse-filters.ts";

/** How a field's values are written in a filter. */
export type FieldKind =
  | { readonly kind: "text" | "whole" | "time" | "duration" }
  /** Flyte's word or number → the words in our rows; several Flyte words may have none. */
  | { readonly kind: "words"; readonly words: Readonly<Record<string, readonly string[]>> };

/** Reads the values of one filter; several are possible for a word that stands for several of ours. */
export function readValues(kind: FieldKind, path: string, values: readonly string[]): ListValue[] {
  return values.flatMap((value) => readValue(kind, path, value));
}

/** Fields of words know no order, and no part of a word. */
export function checkOperator(kind: FieldKind, path: string, operator: ListOperator): void {
  const isText = kind.kind === "text";
  if ((operator === "contains" || operator === "notLike") && !isText) {
    throw refused(`searches in "${path}", which is no text: compare it instead`);
  }
  if (kind.kind === "words" && !["eq", "ne", "in", "notIn"].includes(operator)) {
    throw refused(`orders "${path}", which has no order: use eq, ne, value_in or value_not_in`);
  }
}

function readValue(kind: FieldKind, path: string, value: string): ListValue[] {
  switch (kind.kind) {
    case "text":
      return [value];
    case "whole":
      return [readWhole(path, value)];
    case "time":
      return [readTime(path, value)];
    case "duration":
      return [readSeconds(path, value)];
    case "words": {
      const word = value.toUpperCase();
      const words = Object.hasOwn(kind.words, word) ? kind.words[word] : undefined;
      if (words) return [...words];
      throw refused(`compares "${path}" with "${value}": use one of ${namesOf(kind.words)}`);
    }
    default:
      return kind satisfies never;
  }
}

const namesOf = (words: Readonly<Record<string, readonly string[]>>): string =>
  Object.keys(words)
    .filter((word) => !/^\d+$/.test(word))
    .join(", ");

function readWhole(path: string, value: string): number {
  const number = Number(value);
  if (/^-?\d{1,10}$/.test(value) && Math.abs(number) < 2 ** 31) return number;
  throw refused(`compares "${path}" with "${value}", which is no whole number`);
}

function readTime(path: string, value: string): Date {
  const isRfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(value);
  const time = new Date(value);
  if (isRfc3339 && !Number.isNaN(time.getTime())) return time;
  throw refused(`compares "${path}" with "${value}", which is no time: write it as 2026-01-31T12:00:00Z`);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** Seconds, plain or as Go writes durations: `90`, `1.5`, `1h30m`, `200ms`. */
function readSeconds(path: string, value: string): number {
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  const parts = /^(-?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)$/.exec(value);
  if (!parts) throw refused(`compares "${path}" with "${value}", which is no duration: write seconds or 1h30m`);
  let seconds = 0;
  for (const [, number, unit = "s"] of (parts[2] ?? "").matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    seconds += Number(number) * (UNIT_SECONDS[unit] ?? 1);
  }
  return parts[1] === "-" ? -seconds : seconds;
}

import type { ListOperator } from "@skein/db";
import { SkeinError } from "@skein/errors";

/** One `function(entity.field,value;value)` of a filter text. */
export interface ParsedFilter {
  readonly operator: ListOperator;
  /** `task`, `execution`, …; undefined: the listed entity itself. */
  readonly entity: string | undefined;
  readonly field: string;
  readonly values: readonly string[];
}

const OPERATORS: Readonly<Record<string, ListOperator>> = {
  eq: "eq",
  ne: "ne",
  gt: "gt",
  gte: "gte",
  lt: "lt",
  lte: "lte",
  contains: "contains",
  not_like: "notLike",
  value_in: "in",
  value_not_in: "notIn",
};

const TEXT_MAX = 16_384;
const VALUES_MAX = 1_000;

/**
 * Reads Flyte's filter text: `fn(field,value)` joined by `+`, several values separated by `;` (contract 3.3). A `+`
 * separates only where another function begins, because times like `…+02:00` hold one too.
 */
export function parseFilters(text: string): ParsedFilter[] {
  if (text.length > TEXT_MAX) throw refused(`is longer than ${TEXT_MAX} characters`);
  if (text.trim() === "") return [];
  return text.split(/\+(?=[a-z_]+\()/).map(parseOne);
}

function parseOne(text: string): ParsedFilter {
  const match = /^\s*([a-z_]+)\(([^,()]*),(.*)\)\s*$/s.exec(text);
  if (!match) throw refused(`has "${shorten(text)}", which is not of the form eq(field,value)`);
  const [, name = "", path = "", given = ""] = match;
  const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (!operator) {
    throw refused(`has the function "${name}": use one of ${Object.keys(OPERATORS).join(", ")}`);
  }
  const parts = path.trim().split(".");
  if (parts.length > 2 || parts.some((part) => !/^[a-z_]+$/.test(part))) {
    throw refused(`has the field "${shorten(path)}": use field or entity.field`);
  }
  const [first = "", second] = parts;
  const values = given.split(";");
  if (values.length > VALUES_MAX) throw refused(`compares "${path}" with more than ${VALUES_MAX} values`);
  if (given.includes("\u0000")) throw refused(`compares "${path}" with a NUL character`);
  if (values.length > 1 && operator !== "in" && operator !== "notIn") {
    throw refused(`gives ${name} several values for "${path}": use value_in or value_not_in`);
  }
  return second === undefined
    ? { operator, entity: undefined, field: first, values }
    : { operator, entity: first, field: second, values };
}

const shorten = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text);

/** The error of everything that is wrong with a filter text. */
export const refused = (problem: string): SkeinError =>
  new SkeinError("invalid_argument", "filter_invalid", `filters ${problem}.`);

import { SkeinError } from "@skein/errors";
import {
  and,
  type Column,
  eq,
  gt,
  gte,
  inArray,
  like,
  lt,
  lte,
  ne,
  notInArray,
  notLike,
  or,
  type SQL,
  sql,
} from "drizzle-orm";

export const LIST_OPERATORS = ["eq", "ne", "gt", "gte", "lt", "lte", "contains", "notLike", "in", "notIn"] as const;
export type ListOperator = (typeof LIST_OPERATORS)[number];
export type ListValue = string | number | Date;

/** One comparison; all conditions of a query hold together. `values` has one entry except for `in` and `notIn`. */
export interface ListCondition<Field extends string> {
  readonly field: Field;
  readonly operator: ListOperator;
  readonly values: readonly ListValue[];
}

export interface ListSort<Field extends string> {
  readonly field: Field;
  readonly descending: boolean;
}

/** A page of a list. Rows that sort equal keep a fixed order, so that pages never overlap. */
export interface ListQuery<Field extends string> {
  readonly where: readonly ListCondition<Field>[];
  readonly sort?: ListSort<Field> | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** What a list may filter and sort by. The keys are a closed set: no name from a request reaches SQL. */
export type ListFields<Field extends string> = Readonly<Record<Field, ListField>>;

/** A column of the listed rows, or words that a row may have any number of. */
export type ListField = Column | SQL | ListWords;

/**
 * A row fits when one of its words does; for `ne`, `notIn` and `notLike` when none of its words is such a one. Nothing can
 * be sorted by it.
 */
export interface ListWords {
  readonly word: Column;
  /** Whether the listed row has a word for which the condition holds. */
  readonly hasWord: (condition: SQL | undefined) => SQL;
}

const isWords = (field: ListField): field is ListWords => "hasWord" in field;

/** The conditions as SQL; values travel as parameters. */
export function whereOf<Field extends string>(
  fields: ListFields<Field>,
  conditions: readonly ListCondition<Field>[],
): SQL | undefined {
  const parts: (SQL | undefined)[] = [];
  const words: WordsCondition[] = [];
  for (const condition of conditions) {
    const field = fieldOf(fields, condition.field);
    if (isWords(field)) words.push({ field, condition });
    else parts.push(conditionOf(field, condition));
  }
  return and(...parts, ...wordsConditions(words));
}

/** The sort and then the tie-break; without a sort only the tie-break, oldest first. */
export function orderOf<Field extends string>(
  fields: ListFields<Field>,
  sort: ListSort<Field> | undefined,
  tieBreak: readonly (Column | SQL)[],
): SQL[] {
  const descending = sort?.descending ?? false;
  const first = sort && fieldOf(fields, sort.field);
  if (first && isWords(first)) {
    const message = `Rows cannot be sorted by ${JSON.stringify(sort.field)}: they may have several.`;
    throw new SkeinError("invalid_argument", "list_sort_impossible", message);
  }
  const keys = first ? [first, ...tieBreak] : [...tieBreak];
  return keys.map((key) => (descending ? sql`${key} desc` : sql`${key} asc`));
}

function fieldOf<Field extends string>(fields: ListFields<Field>, field: Field): ListField {
  if (!Object.hasOwn(fields, field)) {
    throw new SkeinError("invalid_argument", "list_field_unknown", `There is no field ${JSON.stringify(field)} here.`);
  }
  return fields[field];
}

const NEGATED: Partial<Record<ListOperator, ListOperator>> = { ne: "eq", notIn: "in" };

interface WordsCondition {
  readonly field: ListWords;
  readonly condition: ListCondition<string>;
}

/** Conditions on both parts of a word (a tag and its value) must hold for one word; any others may hold for different ones. */
function wordsConditions(conditions: readonly WordsCondition[]): SQL[] {
  const bySet = Map.groupBy(conditions, ({ field }) => field.hasWord);
  return [...bySet].flatMap(([hasWord, all]) => {
    const [positive, rest] = [all.filter(isPositive), all.filter((one) => !isPositive(one))];
    const areOfOneWord = new Set(positive.map(({ field }) => field.word)).size > 1;
    const together = areOfOneWord
      ? [hasWord(and(...positive.map(({ field, condition }) => conditionOf(field.word, condition))))]
      : [];
    return [
      ...together,
      ...(areOfOneWord ? rest : all).map(({ field, condition }) => wordsCondition(field, condition)),
    ];
  });
}

const isPositive = ({ condition: { operator } }: WordsCondition): boolean =>
  operator !== "notLike" && NEGATED[operator] === undefined;

function wordsCondition({ word, hasWord }: ListWords, condition: ListCondition<string>): SQL {
  const { operator } = condition;
  if (operator === "notLike") return sql`not ${hasWord(like(word, String(condition.values[0] ?? "")))}`;
  const negated = NEGATED[operator];
  if (negated) return sql`not ${hasWord(conditionOf(word, { ...condition, operator: negated }))}`;
  return hasWord(conditionOf(word, condition));
}

function conditionOf(field: Column | SQL, condition: ListCondition<string>): SQL | undefined {
  const { operator, values } = condition;
  const [value] = values;
  if (operator === "in") return values.length === 0 ? sql`false` : inArray(field as Column, [...values]);
  // A missing value differs from every value: SQL alone would drop the row.
  if (operator === "notIn") {
    return values.length === 0 ? sql`true` : or(notInArray(field as Column, [...values]), sql`${field} is null`);
  }
  if (value === undefined) return sql`false`;
  const column = field as Column;
  switch (operator) {
    case "eq":
      return eq(column, value);
    case "ne":
      return or(ne(column, value), sql`${field} is null`);
    case "gt":
      return gt(column, value);
    case "gte":
      return gte(column, value);
    case "lt":
      return lt(column, value);
    case "lte":
      return lte(column, value);
    case "contains":
      return like(column, `%${escapeLike(String(value))}%`);
    case "notLike":
      return notLike(column, String(value));
    default:
      return operator satisfies never;
  }
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, (character) => `\\${character}`);

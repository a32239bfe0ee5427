import type { ListCondition, ListQuery, ListSort } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { type Sort, Sort_Direction } from "@skein/idl/admin";
import { checkOperator, type FieldKind, readValues } from "./field-kinds.ts";
import { type ParsedFilter, parseFilters, refused } from "./parse-filters.ts";

/** One field as Flyte's clients write it: which of ours it is, and how its values are written. */
export type FlyteField<Field extends string> = FieldKind & { readonly field: Field };

/** What one list may be filtered and sorted by. Nothing else of a request's names is ever used. */
export interface FlyteListFields<Field extends string> {
  /** The listed entity's own name, which may stand before its fields. */
  readonly entity: string;
  readonly own: Readonly<Record<string, FlyteField<Field>>>;
  /** Fields of other entities that this list can be filtered by. */
  readonly joined?: Readonly<Record<string, Readonly<Record<string, FlyteField<Field>>>>>;
}

interface PageRequest {
  readonly limit: number;
  readonly token: string;
  readonly filters?: string;
  readonly sortBy?: Sort | undefined;
}

/** Larger pages are cut to this: their token leads on. */
const LIMIT_MAX = 10_000;

/** Reads filters, sort and page of a list request; `limit` 0 is refused (contract 3.3). */
export function readListRequest<Field extends string>(
  fields: FlyteListFields<Field>,
  request: PageRequest,
  limitMax = LIMIT_MAX,
): ListQuery<Field> & { readonly parsed: readonly ParsedFilter[] } {
  if (request.limit === 0) {
    throw new SkeinError("invalid_argument", "limit_invalid", "limit is 0: ask for at least one row.");
  }
  const parsed = parseFilters(request.filters ?? "");
  return {
    parsed,
    where: parsed.map((filter) => toCondition(fields, filter)),
    sort: readSort(fields, request.sortBy),
    limit: Math.min(request.limit, limitMax),
    offset: readToken(request.token),
  };
}

/** The token of the next page: empty when this page is not full. */
export const nextToken = (query: { readonly limit: number; readonly offset: number }, rows: number): string =>
  rows < query.limit ? "" : String(query.offset + rows);

function toCondition<Field extends string>(fields: FlyteListFields<Field>, filter: ParsedFilter): ListCondition<Field> {
  const path = filter.entity === undefined ? filter.field : `${filter.entity}.${filter.field}`;
  const known = fieldsOf(fields, filter.entity);
  if (!known) {
    const entities = [fields.entity, ...Object.keys(fields.joined ?? {})].join(", ");
    throw refused(`names the entity "${filter.entity}", which this list does not know: use one of ${entities}`);
  }
  const field = Object.hasOwn(known, filter.field) ? known[filter.field] : undefined;
  if (!field) throw refused(`names the field "${path}": use one of ${Object.keys(known).join(", ")}`);
  checkOperator(field, path, filter.operator);
  const values = readValues(field, path, filter.values);
  // A word of Flyte may be several of ours, or none: then equality is membership.
  const isWords = field.kind === "words";
  if (isWords && filter.operator === "eq") return { field: field.field, operator: "in", values };
  if (isWords && filter.operator === "ne") return { field: field.field, operator: "notIn", values };
  return { field: field.field, operator: filter.operator, values };
}

const fieldsOf = <Field extends string>(fields: FlyteListFields<Field>, entity: string | undefined) => {
  if (entity === undefined || entity === fields.entity) return fields.own;
  return fields.joined && Object.hasOwn(fields.joined, entity) ? fields.joined[entity] : undefined;
};

function readSort<Field extends string>(
  fields: FlyteListFields<Field>,
  sort: Sort | undefined,
): ListSort<Field> | undefined {
  if (!sort || sort.key === "") return undefined;
  const [first = "", second] = sort.key.split(".");
  const key = second === undefined ? first : second;
  const known = second === undefined ? fields.own : fieldsOf(fields, first);
  const field = known && Object.hasOwn(known, key) ? known[key] : undefined;
  if (!field || sort.key.split(".").length > 2) {
    const keys = Object.keys(fields.own).join(", ");
    const message = `sort_by.key is ${JSON.stringify(sort.key.slice(0, 100))}: use one of ${keys}.`;
    throw new SkeinError("invalid_argument", "sort_invalid", message);
  }
  return { field: field.field, descending: sort.direction !== Sort_Direction.ASCENDING };
}

function readToken(token: string): number {
  if (token === "") return 0;
  const offset = Number(token);
  if (/^\d{1,15}$/.test(token) && Number.isSafeInteger(offset)) return offset;
  const message = `token is ${JSON.stringify(token.slice(0, 100))}: send back the token of the page before.`;
  throw new SkeinError("invalid_argument", "token_invalid", message);
}

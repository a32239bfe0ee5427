import { SkeinError } from "@skein/errors";
import { and, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import type { ListCondition } from "../lists/list-query.ts";
import { domains, runs, runTags } from "../schema/index.ts";
import { type RunRow, readRunPage } from "./read-runs.ts";
import { isListed, type RunField, runsWith } from "./run-fields.ts";

export const INPUT_OPERATORS = ["eq", "contains", "gt", "gte", "lt", "lte"] as const;

/** What one input of a run must be. Several values are for `eq`: any of them. */
export interface InputCondition {
  readonly name: string;
  readonly operator: (typeof INPUT_OPERATORS)[number];
  readonly values: readonly (string | number | boolean)[];
}

/** A label that a run must have, with this value, or any. */
interface LabelCondition {
  readonly key: string;
  readonly value: string | undefined;
}

/** Which runs of a project; all conditions hold together. */
export interface RunFilter {
  readonly project: string;
  /** Undefined: all. */
  readonly domain: string | undefined;
  readonly where: readonly ListCondition<RunField>[];
  readonly inputs: readonly InputCondition[];
  readonly labels: readonly LabelCondition[];
}

export const RUN_SORTS = ["createdAt", "startedAt", "duration"] as const;
type RunSort = (typeof RUN_SORTS)[number];

/** The last row of a page: the next one begins behind it, whatever came and went in between. */
export interface RunCursor {
  /** What it was sorted by; null where the run has none. */
  readonly value: Date | number | null;
  readonly id: string;
}

export interface RunSearch extends RunFilter {
  readonly sort: RunSort;
  readonly descending: boolean;
  readonly after: RunCursor | undefined;
  readonly limit: number;
}

const COLUMNS = { createdAt: runs.createdAt, startedAt: runs.startedAt, duration: runs.duration } as const;

/** A page of the runs that fit. Runs without what is sorted by come last; equal ones keep a fixed order. */
export async function searchRuns(db: Db, search: RunSearch): Promise<RunRow[]> {
  const pages = (await domainsOf(db, search)).map((domain) => sql`(${pageOf(search, domain)})`);
  if (pages.length === 0) return [];
  const order = orderOf(search, sql`key`, sql`id`);
  const page = sql`select id from (${sql.join(pages, sql` union all `)}) pages order by ${order} limit ${search.limit}`;
  return readRunPage(db, page);
}

/** An index is in order within one domain only: each gives a page, of which the first rows are the whole's. */
function pageOf(search: RunSearch, domain: string): SQL {
  const column = COLUMNS[search.sort];
  return sql`select ${runs.id} as id, ${column} as key from ${runsWith({ where: search.where })}
    where ${and(isWithin(search, domain), search.after && isBehind(search, search.after))}
    order by ${orderOf(search, sql`${column}`, sql`${runs.id}`)} limit ${search.limit}`;
}

async function domainsOf(db: Db, { domain }: RunFilter): Promise<string[]> {
  if (domain !== undefined) return [domain];
  return (await db.select({ id: domains.id }).from(domains)).map(({ id }) => id);
}

const isWithin = ({ project, where, inputs, labels }: RunFilter, domain: string): SQL | undefined =>
  and(
    sql`${runs.project} = ${project} and ${runs.domain} = ${domain}`,
    isListed(where),
    ...inputs.map(isInput),
    ...labels.map(isLabelled),
  );

function orderOf({ sort, descending }: RunSearch, key: SQL, id: SQL): SQL {
  const way = descending ? sql`desc` : sql`asc`;
  // Every run was created, and what says more than the index does keeps it from being used.
  return sort === "createdAt" ? sql`${key} ${way}, ${id} ${way}` : sql`${key} ${way} nulls last, ${id} ${way}`;
}

function isBehind({ sort, descending }: RunSearch, { value, id }: RunCursor): SQL | undefined {
  const column = COLUMNS[sort];
  const behind = descending ? sql`<` : sql`>`;
  const isLaterId = sql`${runs.id} ${behind} ${id}::uuid`;
  if (value === null) return sql`${column} is null and ${isLaterId}`;
  const given = value instanceof Date ? sql`${value.toISOString()}::timestamptz` : sql`${value}::double precision`;
  const isLater = sql`(${column}, ${runs.id}) ${behind} (${given}, ${id}::uuid)`;
  return sort === "createdAt" ? isLater : or(isLater, sql`${column} is null`);
}

const JSON_ORDER = { gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` } as const;

function isInput({ name, operator, values }: InputCondition): SQL | undefined {
  const [value] = values;
  if (value === undefined) return sql`false`;
  // What `runs_found_inputs_idx` answers.
  if (operator === "eq") return or(...values.map((one) => sql`${runs.foundInputs} @> ${json({ [name]: one })}`));
  if (operator === "contains") {
    if (typeof value === "string") return sql`strpos(${runs.foundInputs} ->> ${name}, ${value}) > 0`;
    throw new SkeinError("invalid_argument", "input_not_text", `The input ${name} can contain a text only.`);
  }
  const found = sql`${runs.foundInputs} -> ${name}`;
  // JSON orders values of different kinds too, by their kind.
  return sql`(${found} ${JSON_ORDER[operator]} ${json(value)} and jsonb_typeof(${found}) = jsonb_typeof(${json(value)}))`;
}

const json = (value: unknown): SQL => sql`${JSON.stringify(value)}::jsonb`;

const isLabelled = ({ key, value }: LabelCondition): SQL =>
  sql`exists (select from ${runTags} where ${runTags.runId} = ${runs.id} and ${runTags.tag} = ${key}
    and ${value === undefined ? sql`true` : sql`${runTags.value} = ${value}`})`;

type RunCounts = Readonly<Partial<Record<RunRow["phase"], number>>>;

/** How many of the runs that fit are in each phase. Of more than `max` in a domain only the newest are counted. */
export async function countRuns(
  db: Db,
  filter: RunFilter,
  max: number,
): Promise<{ readonly phases: RunCounts; readonly isCut: boolean }> {
  const parts = (await domainsOf(db, filter)).map(
    (domain) => sql`(select ${runs.phase} as phase, ${domain}::text as domain from ${runsWith({ where: filter.where })}
      where ${isWithin(filter, domain)} order by ${runs.createdAt} desc, ${runs.id} desc limit ${max})`,
  );
  if (parts.length === 0) return { phases: {}, isCut: false };
  const { rows } = await db.execute<{ domain: string; phase: RunRow["phase"]; count: number }>(
    sql`select domain, phase, count(*)::int as count from (${sql.join(parts, sql` union all `)}) counted group by domain, phase`,
  );
  const [phases, perDomain] = [new Map<RunRow["phase"], number>(), new Map<string, number>()];
  for (const { domain, phase, count } of rows) {
    phases.set(phase, (phases.get(phase) ?? 0) + count);
    perDomain.set(domain, (perDomain.get(domain) ?? 0) + count);
  }
  const isCut = [...perDomain.values()].some((count) => count >= max);
  return { phases: Object.fromEntries(phases), isCut };
}

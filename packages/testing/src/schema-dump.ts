import type pg from "pg";

/** Month partitions come and go with time; they are not part of the schema. */
const OURS = "n.nspname = 'public' and c.relname !~ '^event_history_[0-9]'";

const QUERIES: readonly string[] = [
  `select 'create type ' || t.typname || ' as enum (' ||
      string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) || ');' as line
    from pg_type t join pg_enum e on e.enumtypid = t.oid join pg_namespace n on n.oid = t.typnamespace
    where n.nspname = 'public' group by t.typname order by t.typname`,
  `select pg_get_functiondef(p.oid) || ';' as line
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'public' order by p.proname`,
  `select 'create sequence ' || c.relname || ';' as line
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_depend d on d.objid = c.oid and d.deptype = 'i'
    where c.relkind = 'S' and d.objid is null and ${OURS} order by c.relname`,
];

const TABLES = `
  select c.oid, c.relname as name, c.reloptions as options,
    pg_get_partkeydef(c.oid) as partition_key,
    pg_get_expr(c.relpartbound, c.oid) as partition_bound,
    (select inhparent::regclass::text from pg_inherits where inhrelid = c.oid) as parent
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and ${OURS} order by c.relname`;

const COLUMNS = `
  select a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ||
    case when a.attidentity = 'a' then ' generated always as identity'
         when a.attgenerated = 's' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
         when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end ||
    case when a.attnotnull then ' not null' else '' end as line
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`;

// Postgres 18 lists NOT NULL as constraints too; they already stand with their columns.
const CONSTRAINTS = `
  select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
  from pg_constraint where conrelid = $1 and contype <> 'n' order by contype, conname`;

const INDEXES = `
  select pg_get_indexdef(i.indexrelid) || ';' as line
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = $1 and not exists (select from pg_constraint where conindid = i.indexrelid) order by c.relname`;

interface Table {
  readonly oid: number;
  readonly name: string;
  readonly options: readonly string[] | null;
  readonly partition_key: string | null;
  readonly partition_bound: string | null;
  readonly parent: string | null;
}

const linesOf = async (pool: pg.Pool, query: string, values: unknown[] = []): Promise<string[]> =>
  (await pool.query<{ line: string }>(query, values)).rows.map((row) => row.line);

async function describeTable(pool: pg.Pool, table: Table): Promise<string> {
  const inside = [...(await linesOf(pool, COLUMNS, [table.oid])), ...(await linesOf(pool, CONSTRAINTS, [table.oid]))];
  const indexes = await linesOf(pool, INDEXES, [table.oid]);
  const body =
    table.parent === null
      ? `(\n  ${inside.join(",\n  ")}\n)`
      : `partition of ${table.parent} ${table.partition_bound?.toLowerCase() ?? ""}`;
  const partitioned = table.partition_key === null ? "" : ` partition by ${table.partition_key}`;
  const options = table.options === null ? "" : ` with (${[...table.options].sort().join(", ")})`;
  return [`create table ${table.name} ${body}${partitioned}${options};`, ...indexes].join("\n");
}

/** The schema of a database in words that differ only when the schema does: no pg_dump is needed, and none is shipped. */
export async function dumpSchema(pool: pg.Pool): Promise<string> {
  const parts: string[] = [];
  for (const query of QUERIES) parts.push((await linesOf(pool, query)).join("\n\n"));
  for (const table of (await pool.query<Table>(TABLES)).rows) parts.push(await describeTable(pool, table));
  return `-- What the migrations make, read from a migrated database. \`npm run bless\` writes this file.\n\n${parts.join("\n\n")}\n`;
}

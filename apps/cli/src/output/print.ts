import { Document, Scalar, visit } from "yaml";
import { isUnsafe, safeDocument, safeLine, safeLines } from "./safe-text.ts";
import { type Column, tableOf } from "./table.ts";

export const OUTPUT_FORMS = ["table", "json", "yaml", "name"] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** How a kind of thing is shown to people. */
export interface View<Row> {
  readonly columns: readonly Column<Row>[];
  readonly nameOf: (row: Row) => string;
  /** What to say instead of a table without rows. */
  readonly empty: string;
}

/** A line of what is told of one thing. Lines without a value are left out. */
export type Field = readonly [title: string, value: string | null | undefined];

/** Results go to standard output in the asked form; what is only for people goes to standard error. */
export interface Printer {
  readonly form: OutputForm;
  list<Row>(rows: readonly Row[], view: View<Row>): void;
  /** One thing: for people as `toText` says it. */
  one<Row>(row: Row, nameOf: (row: Row) => string, toText: (row: Row) => string): void;
  /** The next document of a stream: one line of JSON, or a YAML document. */
  next(value: unknown): void;
  /** A line for people. Text of others must be made safe before. */
  note(line: string): void;
}

export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

export function createPrinter(form: OutputForm, { stdout, stderr }: Streams = process): Printer {
  const say = (text: string): void => void stdout.write(`${text}\n`);
  const document = (value: unknown): void => void stdout.write(form === "yaml" ? toYaml(value) : toJson(value));
  return {
    form,
    list: (rows, { columns, nameOf, empty }) => {
      if (form === "name") for (const row of rows) say(safeLine(nameOf(row)));
      else if (form !== "table") document(rows);
      else if (rows.length === 0) stderr.write(`${empty}\n`);
      else say(tableOf(rows, columns));
    },
    one: (row, nameOf, toText) => {
      if (form === "name") say(safeLine(nameOf(row)));
      else if (form === "table") say(toText(row));
      else document(row);
    },
    next: (value) => void stdout.write(form === "yaml" ? `---\n${toYaml(value)}` : toJsonLine(value)),
    note: (line) => void stderr.write(`${line}\n`),
  };
}

const toJson = (value: unknown): string => `${safeDocument(JSON.stringify(value, null, 2))}\n`;
const toJsonLine = (value: unknown): string => `${safeDocument(JSON.stringify(value))}\n`;

/** Text that a terminal would obey stands in double quotes, where it can be escaped. */
export function toYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === "string" && isUnsafe(node.value.replaceAll("\n", ""))) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return safeDocument(document.toString({ lineWidth: 0 }));
}

/** Titles in a column, and behind them what is known. */
export function fieldsOf(fields: readonly Field[]): string {
  const known = fields.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = Math.max(0, ...known.map(([title]) => title.length));
  return known
    .map(([title, value]) => {
      const lines = safeLines(value ?? "").split("\n");
      return `${title.padEnd(width)}  ${lines.join(`\n${" ".repeat(width + 2)}`)}`;
    })
    .join("\n");
}

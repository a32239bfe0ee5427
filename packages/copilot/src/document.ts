/** A value as a document holds it. A bigint is a number that stays exact. */
export type Plain = string | number | bigint | boolean | null | Plain[] | { [name: string]: Plain };

/** JSON as Go writes it: names in order, whole numbers with all their digits. */
export function toJson(value: Plain): string {
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return JSON.stringify(String(value));
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${entriesOf(value)
    .map(([name, item]) => `${JSON.stringify(name)}:${toJson(item)}`)
    .join(",")}}`;
}

/** YAML in block style, so that a shell script can read it by lines. */
export function toYaml(value: Plain): string {
  return isBlock(value) ? `${blockLines(value).join("\n")}\n` : `${toJson(value)}\n`;
}

type Block = Plain[] | { [name: string]: Plain };

const isBlock = (value: Plain): value is Block =>
  typeof value === "object" && value !== null && Object.keys(value).length > 0;

function blockLines(value: Block): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      if (!isBlock(item)) return [`- ${scalarText(item)}`];
      const [first = "", ...rest] = blockLines(item);
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
    });
  }
  return entriesOf(value).flatMap(([name, item]) => {
    const key = scalarText(name);
    if (!isBlock(item)) return [`${key}: ${scalarText(item)}`];
    return [`${key}:`, ...blockLines(item).map((line) => (Array.isArray(item) ? line : `  ${line}`))];
  });
}

/** Words that some reader of YAML takes for something else than text are quoted. */
const RESERVED = /^(true|false|yes|no|on|off|y|n|null|nan|inf|infinity)$/i;
const PLAIN_WORD = /^[A-Za-z_/][A-Za-z0-9_/.+@-]*( [A-Za-z0-9_/.+@-]+)*$/;

const scalarText = (value: Plain): string =>
  typeof value === "string" && PLAIN_WORD.test(value) && !RESERVED.test(value) ? value : toJson(value);

const entriesOf = (value: { [name: string]: Plain }): [string, Plain][] =>
  Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

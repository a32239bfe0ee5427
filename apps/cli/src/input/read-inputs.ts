import { readFileSync } from "node:fs";
import { SkeinError } from "@skein/errors";
import { parse } from "yaml";
import { invalid, readSeconds } from "./read-time.ts";

/** A value as the server takes it. A whole number that JSON would round is text. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** A Flyte type in protobuf's JSON form, as far as it says how text is read. */
interface FlyteType {
  readonly simple?: string;
  readonly union_type?: { readonly variants?: readonly FlyteType[] };
  readonly enum_type?: object;
  readonly blob?: object;
  readonly schema?: object;
  readonly structured_dataset_type?: object;
}

/** What a launch plan or task takes: the type of each input in protobuf's JSON form. */
export type Interface = Readonly<Record<string, { readonly type: unknown }>>;

/** `--input x=5` as values of the types that are asked for; an input that nobody asked for is left to the server to refuse. */
export function readTypedInputs(pairs: Readonly<Record<string, string>>, asked: Interface): Record<string, Plain> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, text]) => {
      const type = Object.hasOwn(asked, name) ? (asked[name]?.type as FlyteType | null) : undefined;
      return [name, type ? readValue(type, text, `--input ${name}`) : text];
    }),
  );
}

function readValue(type: FlyteType, text: string, option: string): Plain {
  if (type.union_type) return unionOf(type.union_type.variants ?? [], text, option);
  if (type.enum_type || type.blob || type.schema || type.structured_dataset_type) return text;
  switch (type.simple) {
    case "STRING":
    case "DATETIME":
    case "INTEGER":
      return text;
    case "FLOAT":
      return floatOf(text, option);
    case "BOOLEAN":
      if (/^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
      throw invalid(option, `"${text}" must be true or false`);
    case "DURATION":
      return /^-?\d+(\.\d+)?s$/.test(text) ? text : `${readSeconds(text, option)}s`;
    case "NONE":
      if (text === "null") return null;
      throw invalid(option, `"${text}" must be null`);
    default:
      return readDocument(text, option);
  }
}

function floatOf(text: string, option: string): Plain {
  if (/^(NaN|-?Infinity)$/.test(text)) return text;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw invalid(option, `"${text}" must be a number`);
}

/** The first variant that the text can be; text itself is tried last, because it takes everything. */
function unionOf(variants: readonly FlyteType[], text: string, option: string): Plain {
  const isText = (variant: FlyteType): boolean => variant.simple === "STRING";
  const inOrder = [...variants.filter((variant) => !isText(variant)), ...variants.filter(isText)];
  for (const variant of inOrder) {
    try {
      const value = readValue(variant, text, option);
      const isWrongInteger = variant.simple === "INTEGER" && !/^-?\d{1,19}$/.test(text);
      if (!isWrongInteger) return value;
    } catch (error) {
      if (!(error instanceof SkeinError)) throw error;
    }
  }
  throw invalid(option, `"${text}" fits none of the types that this input may have`);
}

/** JSON or YAML in which no whole number loses a digit. */
export function readDocument(text: string, where: string): Plain {
  try {
    return exact(parse(text, { intAsBigInt: true }) as unknown, where);
  } catch (error) {
    if (error instanceof SkeinError) throw error;
    throw invalid(where, `is neither JSON nor YAML: ${(error as Error).message.split("\n")[0]}`);
  }
}

function exact(value: unknown, where: string): Plain {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (Array.isArray(value)) return value.map((one) => exact(one, where));
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, exact(one, where)]));
  }
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  throw invalid(where, `holds a value of type ${typeof value}`);
}

/** The inputs in a file of JSON or YAML; `-` is standard input. */
export function readInputsFile(path: string): Record<string, Plain> {
  const read = readDocument(readText(path, "--inputs"), `--inputs ${path}`);
  if (typeof read === "object" && read !== null && !Array.isArray(read)) return { ...(read as Record<string, Plain>) };
  throw invalid(`--inputs ${path}`, "must be an object: a value for each input's name");
}

/** A file's text; `-` is standard input. */
export function readText(path: string, option: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (cause) {
    const message = `${option} ${path} cannot be read: ${(cause as Error).message}`;
    throw new SkeinError("invalid_argument", "file_unreadable", message, { cause });
  }
}

import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  mergeFromJson,
} from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import type { PathValues, RestRoute } from "./http-rules.ts";

export interface RestBody {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

/**
 * Builds the request message: first the body, then the query, then the path, so that nothing can contradict the
 * address. Throws `invalid_argument` that names what was wrong.
 */
export function readRequest(route: RestRoute, path: PathValues, query: URLSearchParams, body: RestBody): Message {
  const { input } = route.rpc.method;
  const request = route.body === "" ? create(input) : readBody(route, body);
  const addressed: JsonObject = {};
  // Where the body is the whole request, the query has no meaning.
  if (route.body !== "*") {
    for (const name of new Set(query.keys())) {
      setField(input, addressed, name.split("."), query.getAll(name), `query parameter ${name}`);
    }
  }
  for (const [field, text] of path) setField(input, addressed, field, [text], `path parameter ${field.join(".")}`);
  return parsed(() => mergeFromJson(input, request, addressed));
}

function readBody({ rpc, body: bodyField }: RestRoute, { bytes, isBinary }: RestBody): Message {
  const { input } = rpc.method;
  if (bytes.length === 0) return create(input);
  if (isBinary) return parsed(() => fromBinary(input, bytes));
  const json = parsed(() => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as JsonValue);
  return parsed(() => fromJson(input, bodyField === "*" ? json : { [bodyField]: json }));
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SkeinError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SkeinError("invalid_argument", "malformed_message", `The request is not valid: ${why}.`, {
      cause: error,
    });
  }
}

/** Puts text into the JSON form of a message, at a dotted field given in proto or JSON spelling. */
function setField(
  message: DescMessage,
  target: JsonObject,
  path: readonly string[],
  texts: readonly string[],
  what: string,
): void {
  const [name, ...rest] = path;
  const field = message.fields.find((candidate) => candidate.name === name || candidate.jsonName === name);
  if (!field) throw invalid(what, `${message.name} has no field ${name}`);
  if (rest.length === 0) {
    target[field.name] = fieldValue(field, texts, what);
    return;
  }
  if (field.fieldKind !== "message") throw invalid(what, `${field.name} has no fields of its own`);
  const inner = (target[field.name] ?? {}) as JsonObject;
  target[field.name] = inner;
  setField(field.message, inner, rest, texts, what);
}

function fieldValue(field: DescField, texts: readonly string[], what: string): JsonValue {
  if (field.fieldKind === "map") throw invalid(what, "a map cannot be given here");
  if (field.fieldKind === "list") return texts.map((text) => textValue(field, text, what));
  const [text, ...more] = texts;
  if (text === undefined || more.length > 0) throw invalid(what, "it can be given only once");
  return textValue(field, text, what);
}

/** The messages whose JSON form is one text, or wraps one scalar. */
const BOOL_VALUE = "google.protobuf.BoolValue";

function textValue(field: DescField, text: string, what: string): JsonValue {
  const isBool = field.scalar === 8 || field.message?.typeName === BOOL_VALUE;
  if (isBool) {
    if (/^(true|1)$/i.test(text)) return true;
    if (/^(false|0)$/i.test(text)) return false;
    throw invalid(what, `${JSON.stringify(text)} is neither true nor false`);
  }
  if (field.enum) {
    const value = field.enum.values.find(({ name, number }) => name === text.toUpperCase() || String(number) === text);
    if (value) return value.number;
    const names = field.enum.values.map(({ name }) => name).join(", ");
    throw invalid(what, `${JSON.stringify(text)} is none of ${names}`);
  }
  if (field.message && !field.message.typeName.startsWith("google.protobuf.")) {
    throw invalid(what, `name a field of ${field.message.name}`);
  }
  return text;
}

const invalid = (what: string, why: string): SkeinError =>
  new SkeinError("invalid_argument", "malformed_parameter", `The ${what} is not valid: ${why}.`);

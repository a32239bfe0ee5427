import { type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";

const VALUE_LENGTH_MAX = 300;

const isObject = (value: JsonValue | undefined): value is { [key: string]: JsonValue } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** RFC 6901: the two characters with a meaning in a path are written as `~0` and `~1`. */
const step = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

function show(value: JsonValue | undefined): string {
  const text = value === undefined ? "(none)" : JSON.stringify(value);
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}

function* differences(path: string, before: JsonValue | undefined, after: JsonValue | undefined): Generator<string> {
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index += 1)
      yield* differences(`${path}/${index}`, before[index], after[index]);
  } else if (isObject(before) && isObject(after)) {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort())
      yield* differences(`${path}/${step(key)}`, before[key], after[key]);
  } else if (JSON.stringify(before) !== JSON.stringify(after)) {
    yield `${path}:\n\t- ${show(before)}\n\t+ ${show(after)}`;
  }
}

/** How two messages differ, in one block per field: its path, `- before`, `+ after` (contract 1.4). Empty when equal. */
export function structureDiff<Desc extends DescMessage>(
  schema: Desc,
  before: MessageShape<Desc>,
  after: MessageShape<Desc>,
): string {
  const options = { useProtoFieldName: true };
  return [...differences("", toJson(schema, before, options), toJson(schema, after, options))].join("\n");
}

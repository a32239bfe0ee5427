import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";

/**
 * A message as grpc-gateway writes it: proto names, enums by name, int64 as text, and unset fields included, so that a
 * script may read a field without asking first whether it is there.
 */
export function toGatewayJson(schema: DescMessage, message: Message): JsonValue {
  const json = toJson(schema, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
  return withUnsetMessages(schema, json);
}

/** `toJson` leaves out messages that are not set; they become null, except in a oneof, where only one case can be. */
function withUnsetMessages(schema: DescMessage, json: JsonValue | undefined): JsonValue {
  if (schema.typeName.startsWith("google.protobuf.") || !isObject(json)) return json ?? null;
  const complete: JsonObject = { ...json };
  for (const field of schema.fields) {
    const { message } = field;
    if (!message) continue;
    const value = json[field.name];
    if (value !== undefined) complete[field.name] = completed(field, message, value);
    else if (!field.oneof) complete[field.name] = null;
  }
  return complete;
}

function completed(field: DescField, message: DescMessage, value: JsonValue): JsonValue {
  if (field.fieldKind === "list" && Array.isArray(value)) return value.map((item) => withUnsetMessages(message, item));
  if (field.fieldKind === "map" && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withUnsetMessages(message, item)]));
  }
  return withUnsetMessages(message, value);
}

const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);

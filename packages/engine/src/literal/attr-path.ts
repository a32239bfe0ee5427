import { create } from "@bufbuild/protobuf";
import {
  type Binary,
  BinarySchema,
  type Literal,
  LiteralCollectionSchema,
  LiteralSchema,
  type Primitive,
  PrimitiveSchema,
  type PromiseAttribute,
  type Scalar,
  ScalarSchema,
  VoidSchema,
} from "@skein/idl/core";
import { BindingError } from "./binding-error.ts";
import { type MsgpackItem, readEntries, readList, readMsgpack } from "./msgpack.ts";

const INT64_MAX = 2n ** 63n - 1n;

type Json = NonNullable<Extract<Scalar["value"], { case: "generic" }>["value"][string]>;

/** Follows `path` into a literal: through maps and collections, then inside a msgpack binary or a Struct (contract 6.5). */
export function followPath(literal: Literal, path: readonly PromiseAttribute[]): Literal {
  let current = literal;
  for (const [step, attribute] of path.entries()) {
    const { value } = current;
    if (value.case === "map") current = entryOf(value.value.literals, attribute);
    else if (value.case === "collection") current = elementOf(value.value.literals, attribute);
    else if (value.case === "scalar") return followScalar(value.value, path.slice(step));
    else
      throw new BindingError(`${show(attribute)} cannot be looked up in a literal of kind ${value.case ?? "nothing"}`);
  }
  return current;
}

function followScalar(scalar: Scalar, path: readonly PromiseAttribute[]): Literal {
  const { value } = scalar;
  if (value.case === "union" && value.value.value) return followPath(value.value.value, path);
  if (value.case === "binary") return followMsgpack(value.value, path);
  if (value.case === "generic") return jsonLiteral(followJson(value.value, path));
  throw new BindingError(
    `${path.map(show).join("")} cannot be looked up in a scalar of kind ${value.case ?? "nothing"}`,
  );
}

const keyOf = ({ value }: PromiseAttribute): string | number => value.value ?? "";
const show = (attribute: PromiseAttribute): string => `[${JSON.stringify(keyOf(attribute))}]`;

function entryOf<Value>(entries: Readonly<Record<string, Value>>, attribute: PromiseAttribute): Value {
  const key = String(keyOf(attribute));
  const found = Object.hasOwn(entries, key) ? entries[key] : undefined;
  if (found === undefined) throw new BindingError(`key ${show(attribute)} does not exist`);
  return found;
}

function elementOf<Value>(elements: readonly Value[], attribute: PromiseAttribute): Value {
  const key = keyOf(attribute);
  const found = typeof key === "number" ? elements[key] : undefined;
  if (found === undefined)
    throw new BindingError(`index ${show(attribute)} is outside of a list of ${elements.length}`);
  return found;
}

function followMsgpack(binary: Binary, path: readonly PromiseAttribute[]): Literal {
  if (binary.tag !== "msgpack") throw new BindingError(`attributes of a binary tagged "${binary.tag}" cannot be read`);
  const bytes = binary.value;
  let item = readMsgpack(bytes);
  for (const attribute of path) {
    if (item.kind === "map") item = msgpackEntry(readEntries(bytes, item), attribute);
    else if (item.kind === "list") item = elementOf(readList(bytes, item), attribute);
    else throw new BindingError(`${show(attribute)} cannot be looked up in a value of kind ${item.kind}`);
  }
  return msgpackLiteral(bytes, item);
}

function msgpackEntry(entries: readonly [MsgpackItem, MsgpackItem][], attribute: PromiseAttribute): MsgpackItem {
  const wanted = keyOf(attribute);
  const found = entries.find(([key]) =>
    typeof wanted === "number"
      ? key.kind === "integer" && key.value === BigInt(wanted)
      : key.kind === "string" && key.value === wanted,
  );
  if (!found) throw new BindingError(`key ${show(attribute)} does not exist`);
  return found[1];
}

/** Primitives become primitive literals, a list a collection of msgpack binaries, anything else a binary again. */
function msgpackLiteral(bytes: Uint8Array, item: MsgpackItem): Literal {
  switch (item.kind) {
    case "nil":
      return none();
    case "boolean":
      return primitive({ case: "boolean", value: item.value });
    case "integer":
      if (item.value > INT64_MAX) throw new BindingError(`integer ${item.value} does not fit into 64 bits`);
      return primitive({ case: "integer", value: item.value });
    case "float":
      return primitive({ case: "floatValue", value: item.value });
    case "string":
      return primitive({ case: "stringValue", value: item.value });
    case "list":
      return collection(readList(bytes, item).map((element) => binaryOf(bytes, element)));
    default:
      return binaryOf(bytes, item);
  }
}

const binaryOf = (bytes: Uint8Array, { start, end }: MsgpackItem): Literal =>
  scalarLiteral({
    case: "binary",
    value: create(BinarySchema, { tag: "msgpack", value: bytes.slice(start, end) }),
  });

function followJson(root: Json, path: readonly PromiseAttribute[]): Json {
  let current: Json | null = root;
  for (const attribute of path) {
    if (Array.isArray(current)) current = elementOf<Json | null>(current, attribute);
    else if (typeof current === "object" && current !== null) current = entryOf<Json | null>(current, attribute);
    else throw new BindingError(`${show(attribute)} cannot be looked up in a value of kind ${typeof current}`);
  }
  return current as Json;
}

function jsonLiteral(json: Json | null): Literal {
  if (json === null) return none();
  if (typeof json === "string") return primitive({ case: "stringValue", value: json });
  if (typeof json === "number") return primitive({ case: "floatValue", value: json });
  if (typeof json === "boolean") return primitive({ case: "boolean", value: json });
  if (Array.isArray(json)) return collection(json.map(jsonLiteral));
  return scalarLiteral({ case: "generic", value: json });
}

const scalarLiteral = (value: Scalar["value"]): Literal =>
  create(LiteralSchema, { value: { case: "scalar", value: create(ScalarSchema, { value }) } });
const primitive = (value: Primitive["value"]): Literal =>
  scalarLiteral({ case: "primitive", value: create(PrimitiveSchema, { value }) });
const none = (): Literal => scalarLiteral({ case: "noneType", value: create(VoidSchema) });
const collection = (literals: Literal[]): Literal =>
  create(LiteralSchema, { value: { case: "collection", value: create(LiteralCollectionSchema, { literals }) } });

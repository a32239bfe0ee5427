import type { Literal, LiteralMap, Scalar } from "@skein/idl/core";
import { canonicalText } from "../compile/digest.ts";
import { type MsgpackItem, readEntries, readList, readMsgpack } from "../literal/msgpack.ts";

/** How flytekit marks a `Binary` that holds a dataclass, a pydantic model or a dict. */
const MSGPACK = "msgpack";

/**
 * The same text for values that mean the same, and another one for any other value, as far as a cache may care:
 * - a literal with a hash is that hash and nothing else, also inside of lists and maps;
 * - maps have no order, those inside of MessagePack and of Struct included; lists have one;
 * - 1 and 1.0, none and an empty list, a value and the same value in a union differ;
 * - an offloaded literal without a hash is its URI: what lies there is not read.
 */
export function canonicalLiteralMap({ literals }: LiteralMap, ignored: ReadonlySet<string> = new Set()): string {
  const kept = Object.entries(literals).filter(([name]) => !ignored.has(name));
  return mapText(kept.map(([name, literal]) => [JSON.stringify(name), literalText(literal)]));
}

type Entry = readonly [key: string, value: string];

/** Entries with equal keys keep their order: it decides which of them counts. */
const mapText = (entries: readonly Entry[]): string =>
  `{${[...entries]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, value]) => `${key}:${value}`)
    .join(",")}}`;

function literalText(literal: Literal): string {
  if (literal.hash !== "") return `#${JSON.stringify(literal.hash)}`;
  const metadata = Object.entries(literal.metadata).map(
    ([key, text]): Entry => [JSON.stringify(key), JSON.stringify(text)],
  );
  const value = valueText(literal);
  return metadata.length === 0 ? value : `${value}@${mapText(metadata)}`;
}

function valueText(literal: Literal): string {
  const { value } = literal;
  switch (value.case) {
    case "collection":
      return `[${value.value.literals.map(literalText).join(",")}]`;
    case "map":
      return canonicalLiteralMap(value.value);
    case "scalar":
      return scalarText(value.value);
    default:
      // Offloaded, or of a kind that this version does not know: as it was sent.
      return canonicalText(literal);
  }
}

function scalarText(scalar: Scalar): string {
  const { value } = scalar;
  if (value.case === "union") {
    const inner = value.value.value ? literalText(value.value.value) : "";
    return `union(${inner}|${canonicalText(value.value.type ?? {})})`;
  }
  if (value.case === "generic") return `struct${jsonText(value.value)}`;
  if (value.case === "binary" && value.value.tag === MSGPACK) return `msgpack(${msgpackText(value.value.value)})`;
  if (value.case === "primitive" && value.value.value.case === "floatValue") return floatText(value.value.value.value);
  return canonicalText(scalar);
}

const floatText = (value: number): string => `f${Object.is(value, -0) ? "-0" : value}`;

/** A `google.protobuf.Struct`: its numbers are all floats. Its own keys may look like ours, so nothing is left out. */
function jsonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value !== "object" || value === null) {
    return typeof value === "number" ? floatText(value) : JSON.stringify(value);
  }
  return mapText(Object.entries(value).map(([key, inner]) => [JSON.stringify(key), jsonText(inner)]));
}

const hexOf = (bytes: Uint8Array): string =>
  `x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;

/** Bytes that are no MessagePack, or more than one value, are only themselves. */
function msgpackText(bytes: Uint8Array): string {
  const item = readWhole(bytes);
  return item ? itemText(bytes, item) : hexOf(bytes);
}

function readWhole(bytes: Uint8Array): MsgpackItem | undefined {
  try {
    const item = readMsgpack(bytes);
    return item.end === bytes.length ? item : undefined;
  } catch {
    return undefined;
  }
}

function itemText(bytes: Uint8Array, item: MsgpackItem): string {
  switch (item.kind) {
    case "nil":
      return "nil";
    case "boolean":
    case "integer":
      return String(item.value);
    case "float":
      return floatText(item.value);
    case "string":
      // Bytes that are not UTF-8 read as U+FFFD, whatever they are.
      return item.value.includes("\ufffd") ? hexOf(bytes.subarray(item.start, item.end)) : JSON.stringify(item.value);
    case "opaque":
      return hexOf(bytes.subarray(item.start, item.end));
    case "list":
      return `[${readList(bytes, item)
        .map((inner) => itemText(bytes, inner))
        .join(",")}]`;
    case "map":
      return mapText(readEntries(bytes, item).map(([key, inner]) => [itemText(bytes, key), itemText(bytes, inner)]));
  }
}

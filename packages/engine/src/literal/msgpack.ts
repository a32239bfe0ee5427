import { at } from "../at.ts";

/**
 * A reader of MessagePack that works on byte ranges: a part of a value is cut out as it was written, never decoded and
 * encoded again, so that ints stay ints, 5.0 stays a float and what we do not know survives.
 */

/** Where a value lies in the bytes, and what its first bytes say. `end` is the offset after it. */
export type MsgpackItem = { readonly start: number; readonly end: number } & (
  | { readonly kind: "nil" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "opaque" }
  | { readonly kind: "list"; readonly length: number; readonly contentStart: number }
  | { readonly kind: "map"; readonly length: number; readonly contentStart: number }
);

/** Nesting beyond this is refused, so that a hostile value cannot exhaust the stack. */
const DEPTH_MAX = 200;

/** Bytes that are not MessagePack. Its text is part of the message a user reads. */
export class MsgpackError extends Error {
  override readonly name = "MsgpackError";
}

/** Reads the item at `start`, its contents included. */
export function readMsgpack(bytes: Uint8Array, start = 0): MsgpackItem {
  return readItem(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), start, 0);
}

/** The items of a list, in order. */
export function readList(bytes: Uint8Array, list: MsgpackItem & { kind: "list" }): MsgpackItem[] {
  return readItems(bytes, list.contentStart, list.length);
}

/** The keys and values of a map, in the order they were written. */
export function readEntries(bytes: Uint8Array, map: MsgpackItem & { kind: "map" }): [MsgpackItem, MsgpackItem][] {
  const items = readItems(bytes, map.contentStart, map.length * 2);
  const entries: [MsgpackItem, MsgpackItem][] = [];
  for (let index = 0; index < items.length; index += 2) {
    entries.push([at(items, index), at(items, index + 1)]);
  }
  return entries;
}

function readItems(bytes: Uint8Array, contentStart: number, count: number): MsgpackItem[] {
  const items: MsgpackItem[] = [];
  let offset = contentStart;
  for (let index = 0; index < count; index += 1) {
    const item = readMsgpack(bytes, offset);
    items.push(item);
    offset = item.end;
  }
  return items;
}

function readItem(view: DataView, start: number, depth: number): MsgpackItem {
  if (depth > DEPTH_MAX) throw new MsgpackError(`nested deeper than ${DEPTH_MAX} levels`);
  try {
    const tag = view.getUint8(start);
    if (tag <= 0x7f) return { kind: "integer", value: BigInt(tag), start, end: start + 1 };
    if (tag >= 0xe0) return { kind: "integer", value: BigInt(tag - 0x100), start, end: start + 1 };
    if (tag <= 0x8f) return readContainer(view, "map", start, start + 1, tag & 0x0f, depth);
    if (tag <= 0x9f) return readContainer(view, "list", start, start + 1, tag & 0x0f, depth);
    if (tag <= 0xbf) return readString(view, start, start + 1, tag & 0x1f);
    return readTagged(view, tag, start, depth);
  } catch (error) {
    if (error instanceof RangeError) throw new MsgpackError(`cut off at byte ${view.byteLength}`);
    throw error;
  }
}

function readTagged(view: DataView, tag: number, start: number, depth: number): MsgpackItem {
  const body = start + 1;
  /** The length that some tags write after themselves, in `size` bytes. */
  const lengthOf = (size: number): number =>
    size === 1 ? view.getUint8(body) : size === 2 ? view.getUint16(body) : view.getUint32(body);
  if (tag === 0xc0) return { kind: "nil", start, end: body };
  if (tag === 0xc2 || tag === 0xc3) return { kind: "boolean", value: tag === 0xc3, start, end: body };
  if (tag === 0xca) return { kind: "float", value: view.getFloat32(body), start, end: body + 4 };
  if (tag === 0xcb) return { kind: "float", value: view.getFloat64(body), start, end: body + 8 };
  if (tag >= 0xcc && tag <= 0xd3) return readInteger(view, tag, start);
  if (tag >= 0xd4 && tag <= 0xd8) return opaque(view, start, body + 1 + 2 ** (tag - 0xd4));
  const family = LENGTH_TAGS.find(({ first, last }) => tag >= first && tag <= last);
  if (!family) throw new MsgpackError(`byte 0x${tag.toString(16)} at ${start} starts nothing`);
  const size = family.size * 2 ** (tag - family.first);
  const contentStart = body + size;
  if (family.kind === "opaque") return opaque(view, start, contentStart + family.extra + lengthOf(size));
  if (family.kind === "string") return readString(view, start, contentStart, lengthOf(size));
  return readContainer(view, family.kind, start, contentStart, lengthOf(size), depth);
}

/** Tags followed by a length whose size in bytes doubles from tag to tag; an extension has one byte more, its type. */
const LENGTH_TAGS = [
  { first: 0xc4, last: 0xc6, size: 1, kind: "opaque", extra: 0 },
  { first: 0xc7, last: 0xc9, size: 1, kind: "opaque", extra: 1 },
  { first: 0xd9, last: 0xdb, size: 1, kind: "string" },
  { first: 0xdc, last: 0xdd, size: 2, kind: "list" },
  { first: 0xde, last: 0xdf, size: 2, kind: "map" },
] as const;

function readInteger(view: DataView, tag: number, start: number): MsgpackItem {
  const body = start + 1;
  const bits = 8 << (tag & 3);
  const value = tag <= 0xcf ? unsigned(view, body, bits) : signed(view, body, bits);
  return { kind: "integer", value, start, end: body + bits / 8 };
}

const unsigned = (view: DataView, body: number, bits: number): bigint =>
  bits === 64
    ? view.getBigUint64(body)
    : BigInt(bits === 8 ? view.getUint8(body) : bits === 16 ? view.getUint16(body) : view.getUint32(body));

const signed = (view: DataView, body: number, bits: number): bigint =>
  bits === 64
    ? view.getBigInt64(body)
    : BigInt(bits === 8 ? view.getInt8(body) : bits === 16 ? view.getInt16(body) : view.getInt32(body));

function opaque(view: DataView, start: number, end: number): MsgpackItem {
  if (end > view.byteLength) throw new MsgpackError(`cut off at byte ${view.byteLength}`);
  return { kind: "opaque", start, end };
}

function readString(view: DataView, start: number, contentStart: number, length: number): MsgpackItem {
  const { end } = opaque(view, start, contentStart + length);
  const content = new Uint8Array(view.buffer, view.byteOffset + contentStart, length);
  return { kind: "string", value: new TextDecoder().decode(content), start, end };
}

function readContainer(
  view: DataView,
  kind: "list" | "map",
  start: number,
  contentStart: number,
  length: number,
  depth: number,
): MsgpackItem {
  let end = contentStart;
  const count = kind === "map" ? length * 2 : length;
  for (let index = 0; index < count; index += 1) end = readItem(view, end, depth + 1).end;
  return { kind, length, contentStart, start, end };
}

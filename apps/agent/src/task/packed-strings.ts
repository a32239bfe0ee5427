import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/**
 * Changes the texts of a msgpack object and leaves every other byte as it is, so that an integer stays an integer. A
 * container says only how many items follow it, so the bytes are a flat row of heads, some with a payload.
 */
export function rewriteMsgpackStrings(bytes: Uint8Array, rewrite: (text: string) => string): Uint8Array {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let keptUpTo = 0;
  let at = 0;
  while (at < source.length) {
    const head = readHead(source, at);
    const end = at + head.headBytes + head.payloadBytes;
    // Not msgpack after all: nothing is changed.
    if (!(end <= source.length)) return bytes;
    if (head.isText) {
      const text = source.toString("utf8", at + head.headBytes, end);
      const changed = rewrite(text);
      if (changed !== text) {
        parts.push(source.subarray(keptUpTo, at), packText(changed));
        keptUpTo = end;
      }
    }
    at = end;
  }
  return parts.length === 0 ? bytes : Buffer.concat([...parts, source.subarray(keptUpTo)]);
}

interface Head {
  readonly headBytes: number;
  readonly payloadBytes: number;
  readonly isText: boolean;
}

/** Payload bytes of the heads 0xca to 0xd8, which are fixed; arrays and maps (0xdc to 0xdf) have only a count. */
const FIXED_PAYLOADS: Readonly<Record<number, number>> = {
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
  212: 2,
  213: 3,
  214: 5,
  215: 9,
  216: 17,
  220: 2,
  221: 4,
  222: 2,
  223: 4,
};

function readHead(source: Buffer, at: number): Head {
  const first = source[at] ?? 0;
  const sized = (lengthBytes: number, extra: number, isText: boolean): Head => {
    if (at + 1 + lengthBytes > source.length) return { headBytes: 1, payloadBytes: Number.POSITIVE_INFINITY, isText };
    return { headBytes: 1 + lengthBytes, payloadBytes: source.readUIntBE(at + 1, lengthBytes) + extra, isText };
  };
  if (first >= 0xa0 && first <= 0xbf) return { headBytes: 1, payloadBytes: first & 0x1f, isText: true };
  if (first >= 0xd9 && first <= 0xdb) return sized(2 ** (first - 0xd9), 0, true);
  if (first >= 0xc4 && first <= 0xc6) return sized(2 ** (first - 0xc4), 0, false);
  // An extension has a byte for its type.
  if (first >= 0xc7 && first <= 0xc9) return sized(2 ** (first - 0xc7), 1, false);
  return { headBytes: 1, payloadBytes: FIXED_PAYLOADS[first] ?? 0, isText: false };
}

function packText(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  if (length < 32) return Buffer.concat([Buffer.from([0xa0 | length]), payload]);
  const lengthBytes = length < 2 ** 8 ? 1 : length < 2 ** 16 ? 2 : 4;
  const head = Buffer.alloc(1 + lengthBytes);
  head[0] = 0xd9 + Math.log2(lengthBytes);
  head.writeUIntBE(length, 1, lengthBytes);
  return Buffer.concat([head, payload]);
}

/** The same for a JSON object; keys stay. */
export function rewriteJsonStrings(value: JsonObject, rewrite: (text: string) => string): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rewriteJson(inner, rewrite)]));
}

function rewriteJson(value: JsonValue, rewrite: (text: string) => string): JsonValue {
  if (typeof value === "string") return rewrite(value);
  if (Array.isArray(value)) return value.map((item) => rewriteJson(item, rewrite));
  return value !== null && typeof value === "object" ? rewriteJsonStrings(value, rewrite) : value;
}

import { expect, test } from "vitest";
import { type MsgpackItem, readEntries, readList, readMsgpack } from "./msgpack.ts";

const bytesOf = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const wide = (...head: number[]) => new Uint8Array([...head, ...new Array<number>(300).fill(0)]);

/** What a Python client wrote with `msgpack.packb`. */
const packed = Uint8Array.from(
  Buffer.from(
    "de0012a16905a166cb4014000000000000a36e6567fda3626967cf0000010000000000a173a368c3a9a16c9301cb400000000000000081a16101" +
      "a16ec0a174c3a162c40378797aa16d8101a36f6e65a175cfffffffffffffffffa26938d09ca3693136d18ad0a3693332d280000000a3693634d3" +
      "f000000000000000a27538ccc8a3753136cdea60a3753332ce80000000",
    "hex",
  ),
);

test("every kind that Python writes is read, ints as ints and 5.0 as a float", () => {
  const map = readMsgpack(packed);
  expect(map.end).toBe(packed.length);
  const entries = map.kind === "map" ? readEntries(packed, map) : [];
  const seen = Object.fromEntries(
    entries.map(([key, item]) => [(key as { value: string }).value, "value" in item ? item.value : item.kind]),
  );
  expect(seen).toEqual({
    i: 5n,
    f: 5,
    neg: -3n,
    big: 2n ** 40n,
    s: "hé",
    l: "list",
    n: "nil",
    t: true,
    b: "opaque",
    m: "map",
    u: 2n ** 64n - 1n,
    i8: -100n,
    i16: -30_000n,
    i32: -(2n ** 31n),
    i64: -(2n ** 60n),
    u8: 200n,
    u16: 60_000n,
    u32: 2n ** 31n,
  });
  const list = entries.find(([key]) => key.kind === "string" && key.value === "l")?.[1] as MsgpackItem & {
    kind: "list";
  };
  expect(readList(packed, list).map(({ kind }) => kind)).toEqual(["integer", "float", "map"]);
});

test.each<[string, Uint8Array, MsgpackItem["kind"], number]>([
  ["false", bytesOf(0xc2), "boolean", 1],
  ["float 32", bytesOf(0xca, 0, 0, 0, 0), "float", 5],
  ["bin 16", wide(0xc5, 0, 4), "opaque", 7],
  ["bin 32", wide(0xc6, 0, 0, 0, 4), "opaque", 9],
  ["ext 8", wide(0xc7, 2, 1), "opaque", 5],
  ["ext 16", wide(0xc8, 0, 2, 1), "opaque", 6],
  ["ext 32", wide(0xc9, 0, 0, 0, 2, 1), "opaque", 8],
  ["fixext 1", wide(0xd4, 1), "opaque", 3],
  ["fixext 16", wide(0xd8, 1), "opaque", 18],
  ["str 8", wide(0xd9, 3), "string", 5],
  ["str 16", wide(0xda, 0, 3), "string", 6],
  ["str 32", wide(0xdb, 0, 0, 0, 3), "string", 8],
  ["array 16", wide(0xdc, 0, 2), "list", 5],
  ["array 32", wide(0xdd, 0, 0, 0, 2), "list", 7],
  ["map 32", wide(0xdf, 0, 0, 0, 1), "map", 7],
])("%s is measured", (_, bytes, kind, end) => {
  expect(readMsgpack(bytes)).toMatchObject({ kind, end });
});

test("an item in the middle of the bytes is read where it stands", () => {
  const outer = new Uint8Array([9, 9, 0xa1, 0x61]).subarray(1);
  expect(readMsgpack(outer, 1)).toEqual({ kind: "string", value: "a", start: 1, end: 3 });
});

test.each([
  ["nothing at all", bytesOf()],
  ["a number without its bytes", bytesOf(0xcf, 1)],
  ["a string shorter than it says", bytesOf(0xa5, 0x61)],
  ["a list with too few items", bytesOf(0x92, 1)],
  ["a huge list", bytesOf(0xdd, 0xff, 0xff, 0xff, 0xff, 1)],
  ["a byte that no format has", bytesOf(0xc1)],
  ["a nest without bottom", new Uint8Array(10_000).fill(0x91)],
])("%s is refused", (_, bytes) => {
  expect(() => readMsgpack(bytes)).toThrow(expect.objectContaining({ name: "MsgpackError" }));
});

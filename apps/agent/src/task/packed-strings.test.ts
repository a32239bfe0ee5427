import { expect, test } from "vitest";
import { rewriteJsonStrings, rewriteMsgpackStrings } from "./packed-strings.ts";

const bytes = (...parts: (number | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));
const shout = (text: string) => (text.startsWith("/s/") ? `file://${text}` : text);
const packed = (text: string): Buffer => {
  const length = Buffer.byteLength(text);
  if (length < 32) return bytes(0xa0 | length, text);
  if (length < 256) return bytes(0xd9, length, text);
  if (length < 65_536) return bytes(0xda, length >> 8, length & 255, text);
  return bytes(0xdb, 0, length >> 16, (length >> 8) & 255, length & 255, text);
};

test("texts change at any depth and length, and everything else keeps its bytes", () => {
  const long = (length: number) => `/s/${"x".repeat(length - 3)}`;
  const around = [
    bytes(0x83),
    bytes(0xa1, "a", 0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1),
    bytes(0xa1, "b", 0xcb, 0x40, 0x14, 0, 0, 0, 0, 0, 0),
    bytes(0xa1, "c", 0x96, 0xc0, 0xc3, 0xff, 0xd0, 0x80, 0xc4, 3, "/s/", 0xc7, 3, 5, "/s/"),
  ];
  for (const length of [3, 24, 25, 31, 32, 248, 249, 255, 256, 65_528, 65_529, 70_000]) {
    const before = Buffer.concat([...around, bytes(0xdc, 0, 2), packed(long(length)), packed("é")]);
    const after = Buffer.concat([...around, bytes(0xdc, 0, 2), packed(`file://${long(length)}`), packed("é")]);
    expect(Buffer.from(rewriteMsgpackStrings(before, shout)).equals(after)).toBe(true);
  }
});

test("each fixed-size head is passed over with its payload", () => {
  const sizes = { 202: 4, 203: 8, 204: 1, 205: 2, 206: 4, 207: 8, 208: 1, 209: 2, 210: 4, 211: 8 };
  const extensions = { 212: 2, 213: 3, 214: 5, 215: 9, 216: 17 };
  const counts = { 220: 2, 221: 4, 222: 2, 223: 4 };
  for (const [head, size] of Object.entries({ ...sizes, ...extensions, ...counts })) {
    // 0xa3 in a payload would begin a text.
    const before = bytes(Number(head), ...Array<number>(size).fill(0xa3), 0xa3, "/s/");
    const after = bytes(Number(head), ...Array<number>(size).fill(0xa3), 0xaa, "file:///s/");
    expect(Buffer.from(rewriteMsgpackStrings(before, shout))).toEqual(after);
  }
});

test("what is cut off, and what needs no change, comes back as it is", () => {
  for (const source of [
    bytes(0xa5, "/s"),
    bytes(0xd9),
    bytes(0xc5, 1),
    bytes(0xa3, "/s/", 0xdb, 0),
    bytes(0xa1, "x"),
  ]) {
    expect(rewriteMsgpackStrings(source, shout)).toBe(source);
  }
});

test("texts of a JSON object change, its keys and numbers do not", () => {
  const before = { "/s/key": ["/s/a", 1.5, null, { x: "/s/b", y: true }] };
  const after = { "/s/key": ["file:///s/a", 1.5, null, { x: "file:///s/b", y: true }] };
  expect(rewriteJsonStrings(before, shout)).toEqual(after);
});

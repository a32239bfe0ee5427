import { create } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import { type Literal, LiteralMapSchema, LiteralSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { INT, integer, list, listOf, map, nothing, scalar, text, unionLiteral } from "../../test/literals.ts";
import { sliceInputs } from "./slice.ts";

const bytesOf = (literals: Readonly<Record<string, Literal>>): Uint8Array =>
  toBytes(LiteralMapSchema, create(LiteralMapSchema, { literals: { ...literals } }));

const specOf = (...boundInputs: string[]) => ({ boundInputs: new Set(boundInputs) });

/** The inputs of every item, or the failure. */
function itemsOf(bytes: Uint8Array, ...boundInputs: string[]) {
  const slices = sliceInputs(bytes, specOf(...boundInputs));
  if ("failure" in slices) return slices.failure;
  return Array.from({ length: slices.count }, (_, index) => {
    const { literals } = fromBytes(LiteralMapSchema, slices.itemInputs(index));
    return literals;
  });
}

test("each item gets its element of every list, and everything else as it is", () => {
  const bytes = bytesOf({ a: list(integer(1), integer(2)), b: list(text("x"), text("")), same: text("s") });
  expect(itemsOf(bytes)).toEqual([
    { a: integer(1), b: text("x"), same: text("s") },
    { a: integer(2), b: text(""), same: text("s") },
  ]);
});

test("a list may say more about itself than its elements", () => {
  const hashed = create(LiteralSchema, { value: list(integer(1)).value, hash: "h", metadata: { k: "v" } });
  expect(itemsOf(bytesOf({ a: hashed }))).toEqual([{ a: integer(1) }]);
});

test("a bound input goes to every item whole, also a list of another length", () => {
  const bytes = bytesOf({ a: list(integer(1), integer(2)), b: list(text("x")), c: nothing() });
  expect(itemsOf(bytes, "b")).toEqual([
    { a: integer(1), b: list(text("x")), c: nothing() },
    { a: integer(2), b: list(text("x")), c: nothing() },
  ]);
});

test("elements may be lists, maps and unions, and a list may stand inside of a union", () => {
  const elements = [list(integer(1)), map({ k: integer(2) }), unionLiteral(integer(3), INT)];
  const wrapped = unionLiteral(list(...elements), listOf(INT));
  expect(itemsOf(bytesOf({ a: list(...elements), b: wrapped }))).toEqual(
    elements.map((element) => ({ a: element, b: element })),
  );
});

test("an empty list has no items, and with nothing but bound inputs there is one", () => {
  expect(itemsOf(bytesOf({ a: list(), b: integer(1) }))).toEqual([]);
  expect(itemsOf(bytesOf({ a: list(integer(1)) }), "a")).toEqual([{ a: list(integer(1)) }]);
  expect(itemsOf(bytesOf({}))).toEqual([{}]);
});

test("lists of different lengths, or no list at all, are the user's failure", () => {
  expect(itemsOf(bytesOf({ a: list(integer(1)), b: list(), c: list(integer(1)) }))).toEqual({
    code: "InvalidArrayLength",
    message: `input arrays have different lengths: expecting '1' found '0' (inputs "a" and "b")`,
    kind: "user",
    recoverable: false,
  });
  expect(itemsOf(bytesOf({ a: integer(1), b: list(integer(1)) }), "b")).toMatchObject({
    code: "InvalidArrayLength",
    message: "no input array provided",
  });
});

test("a union without a value is no list", () => {
  const empty = scalar({ case: "union", value: {} });
  expect(itemsOf(bytesOf({ a: list(integer(1)), b: empty }))).toEqual([{ a: integer(1), b: empty }]);
});

test("a defect is thrown, not told as a failure of the run", () => {
  expect(() => sliceInputs(bytesOf({ a: nothing() }), {} as Parameters<typeof sliceInputs>[1])).toThrow(TypeError);
});

test("what lies in a file of its own cannot be cut, unless it is bound", () => {
  const offloaded = create(LiteralSchema, { value: { case: "offloadedMetadata", value: { uri: "s3://b/k" } } });
  expect(itemsOf(bytesOf({ a: offloaded }))).toMatchObject({
    code: "BindingResolutionFailure",
    message:
      'The inputs cannot be cut into items: the value of "a" lies in a file of its own, which a map cannot read.',
    kind: "system",
  });
  expect(itemsOf(bytesOf({ a: offloaded, b: list(integer(1)) }), "a")).toEqual([{ a: offloaded, b: integer(1) }]);
});

test("bytes that are no LiteralMap are a failure", () => {
  const whole = bytesOf({ a: list(integer(1), integer(2)) });
  for (const broken of [whole.subarray(0, 9), whole.subarray(0, whole.length - 1), Uint8Array.of(0x0a)])
    expect(itemsOf(broken)).toMatchObject({ code: "BindingResolutionFailure", kind: "system" });
});

test("what this version does not know of a literal reaches the item", () => {
  const unknown = [0x92, 0x3f, 0x01, 0x07];
  const element = Uint8Array.of(0x0a, 0x02, 0x2a, 0x00, ...unknown);
  const collection = Uint8Array.of(0x0a, element.length, ...element);
  const literal = Uint8Array.of(0x12, collection.length, ...collection);
  const entry = Uint8Array.of(0x0a, 1, 0x61, 0x12, literal.length, ...literal);
  // A number field beside the entries is passed over.
  const bytes = Uint8Array.of(0x0a, entry.length, ...entry, 0x10, 0x05);
  const slices = sliceInputs(bytes, specOf());
  const item = "failure" in slices ? new Uint8Array() : slices.itemInputs(0);
  expect([...item]).toEqual([0x0a, 5 + element.length, 0x0a, 1, 0x61, 0x12, element.length, ...element]);
});

test("an entry that comes twice counts once, the last one; a nameless one has the name that protobuf gives it", () => {
  const twice = new Uint8Array([...bytesOf({ a: list(integer(1)) }), ...bytesOf({ a: list(integer(2), integer(3)) })]);
  expect(itemsOf(twice)).toEqual([{ a: integer(2) }, { a: integer(3) }]);
  const nameless = Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00);
  expect(itemsOf(nameless)).toEqual([]);
  const valueless = Uint8Array.of(0x0a, 0x03, 0x0a, 0x01, 0x61);
  expect(itemsOf(valueless)).toMatchObject({ message: "no input array provided" });
  expect(itemsOf(Uint8Array.of(0x0a, 0x02, 0x12, 0x00))).toMatchObject({ message: "no input array provided" });
  const oneNothing = Uint8Array.of(0x0a, 0x08, 0x12, 0x06, 0x12, 0x04, 0x10, 0x05, 0x0a, 0x00);
  expect(itemsOf(oneNothing)).toEqual([{ "": create(LiteralSchema) }]);
});

test("the inputs of a map of 100,000 items are scanned once", () => {
  const bytes = bytesOf({ a: list(...Array.from({ length: 100_000 }, (_, index) => integer(index))) });
  const spec = specOf();
  const slices = sliceInputs(bytes, spec);
  expect(sliceInputs(bytes, spec)).toBe(slices);
  expect(sliceInputs(bytes, specOf("a"))).not.toBe(slices);
  const before = process.cpuUsage();
  for (let window = 0; window < 50; window += 1) {
    const found = sliceInputs(bytes, spec);
    for (let index = 0; index < 2_000; index += 1) if ("count" in found) found.itemInputs(window * 2_000 + index);
  }
  expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
});

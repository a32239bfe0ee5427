import { create } from "@bufbuild/protobuf";
import { type Literal, LiteralMapSchema, LiteralSchema, type Primitive, PrimitiveSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { foundInputs } from "./found-inputs.ts";

const primitive = (value: Primitive["value"]): Literal =>
  create(LiteralSchema, {
    value: { case: "scalar", value: { value: { case: "primitive", value: create(PrimitiveSchema, { value }) } } },
  });
const integer = (value: bigint) => primitive({ case: "integer", value });
const text = (value: string) => primitive({ case: "stringValue", value });
const found = (literals: Record<string, Literal>) => foundInputs(create(LiteralMapSchema, { literals }));

test("plain values are found as JSON writes them", () => {
  const moment = create(PrimitiveSchema, {
    value: { case: "datetime", value: { seconds: 1_700_000_000n, nanos: 5_000_000 } },
  });
  const span = create(PrimitiveSchema, { value: { case: "duration", value: { seconds: 90n, nanos: 500_000_000 } } });
  expect(
    found({
      i: integer(-5n),
      f: primitive({ case: "floatValue", value: 0.5 }),
      s: text("ü'\"\\"),
      b: primitive({ case: "boolean", value: false }),
      at: primitive(moment.value),
      span: primitive(span.value),
    }),
  ).toEqual({ i: -5, f: 0.5, s: "ü'\"\\", b: false, at: "2023-11-14T22:13:20.005Z", span: 90.5 });
});

test("an integer keeps every digit", () => {
  const [large, largest] = [2n ** 53n - 1n, 2n ** 63n - 1n];
  expect(found({ large: integer(large), largest: integer(largest) })).toEqual({
    large: Number(large),
    largest: String(largest),
  });
});

test("an optional value is found as the value that it is", () => {
  const value = text("x");
  const union = create(LiteralSchema, {
    value: { case: "scalar", value: { value: { case: "union", value: { value } } } },
  });
  expect(found({ union })).toEqual({ union: "x" });
});

test.each([
  ["a text that is long", text("x".repeat(257))],
  ["a text with a NUL character", text("a\u0000b")],
  ["half a character", text("\ud800")],
  ["no number", primitive({ case: "floatValue", value: Number.NaN })],
  ["a collection", create(LiteralSchema, { value: { case: "collection", value: { literals: [integer(1n)] } } })],
  ["nothing", create(LiteralSchema)],
])("%s is not found", (_, literal) => {
  expect(found({ x: literal })).toBeNull();
  expect(found({ x: literal, y: integer(1n) })).toEqual({ y: 1 });
});

test("only the first are found of many, and of large ones as many as fit", () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`i${index}`, integer(BigInt(index))]));
  expect(Object.keys(found(many) ?? {})).toHaveLength(32);
  const large = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`s${index}`, text("\u0001".repeat(256))]));
  expect(JSON.stringify(found(large)).length).toBeLessThanOrEqual(4_096);
});

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { LiteralSchema, type LiteralType, LiteralTypeSchema, SimpleType } from "@skein/idl/core";
import { expect, test } from "vitest";
import { literalFromPlain } from "./literal-from-plain.ts";
import { type PlainValue, toPlain } from "./plain-literal.ts";

const simple = (value: SimpleType): LiteralType => create(LiteralTypeSchema, { type: { case: "simple", value } });
const listOf = (value: LiteralType): LiteralType =>
  create(LiteralTypeSchema, { type: { case: "collectionType", value } });
const mapOf = (value: LiteralType): LiteralType => create(LiteralTypeSchema, { type: { case: "mapValueType", value } });
const unionOf = (...variants: LiteralType[]): LiteralType =>
  create(LiteralTypeSchema, { type: { case: "unionType", value: { variants } } });
const { INTEGER, FLOAT, STRING, BOOLEAN, DATETIME, DURATION, NONE, STRUCT, BINARY } = SimpleType;
const colours = create(LiteralTypeSchema, { type: { case: "enumType", value: { values: ["red", "blue"] } } });
const file = create(LiteralTypeSchema, { type: { case: "blob", value: { format: "csv" } } });

test.each<[string, LiteralType, PlainValue, PlainValue]>([
  ["an integer as a number", simple(INTEGER), 5, "5"],
  ["the largest integer as text", simple(INTEGER), "9223372036854775807", "9223372036854775807"],
  ["a float", simple(FLOAT), 1.5, 1.5],
  ["a float that JSON does not know", simple(FLOAT), "NaN", "NaN"],
  ["text", simple(STRING), "ü", "ü"],
  ["a boolean", simple(BOOLEAN), false, false],
  ["a moment", simple(DATETIME), "2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500Z"],
  ["a moment before 1970", simple(DATETIME), "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"],
  ["a duration", simple(DURATION), "1.5s", "1.5s"],
  ["nothing", simple(NONE), null, null],
  ["an object", simple(STRUCT), { a: [1, { b: null }] }, { a: [1, { b: null }] }],
  ["a word of a list of words", colours, "blue", "blue"],
  ["a list", listOf(simple(INTEGER)), [1, 2], ["1", "2"]],
  ["a map", mapOf(listOf(simple(STRING))), { k: ["v"] }, { k: ["v"] }],
  ["an optional value that is there", unionOf(simple(INTEGER), simple(NONE)), 3, "3"],
  ["an optional value that is not", unionOf(simple(INTEGER), simple(NONE)), null, null],
  ["a file", file, "s3://b/k", { uri: "s3://b/k", format: "csv", isMultipart: false }],
])("%s becomes a literal and comes back", (_what, type, plain, back) => {
  expect(toPlain(literalFromPlain(type, plain, "inputs.x"))).toEqual(back);
});

test.each<[string, LiteralType, PlainValue]>([
  ["a fraction for an integer", simple(INTEGER), 1.5],
  ["an integer of 65 bits", simple(INTEGER), "9223372036854775808"],
  ["a number that JSON has rounded", simple(INTEGER), 2 ** 60],
  ["text for a float", simple(FLOAT), "1.5"],
  ["a number for text", simple(STRING), 5],
  ["a word for a boolean", simple(BOOLEAN), "true"],
  ["a day that is none", simple(DATETIME), "2026-02-31x"],
  ["a duration without its unit", simple(DURATION), "90"],
  ["something for nothing", simple(NONE), 0],
  ["a list for an object", simple(STRUCT), []],
  ["another word", colours, "green"],
  ["an object for a list", listOf(simple(INTEGER)), {}],
  ["a list for a map", mapOf(simple(INTEGER)), []],
  ["what no variant takes", unionOf(simple(INTEGER), simple(NONE)), "x"],
  ["a number for a file", file, 5],
  ["anything for bytes", simple(BINARY), "x"],
  ["anything for a type that is not set", create(LiteralTypeSchema), 1],
])("%s is refused and the input is named", (_what, type, plain) => {
  expect(() => literalFromPlain(type, plain, "inputs.x")).toThrow(/^inputs\.x: /);
});

test("a wrong item of a list is named by its place", () => {
  expect(() => literalFromPlain(listOf(simple(INTEGER)), [1, "x"], "inputs.x")).toThrow(/^inputs\.x\[1\]: /);
});

const scalar = (value: NonNullable<MessageInitShape<typeof LiteralSchema>["value"]>) =>
  toPlain(create(LiteralSchema, { value }));

test("what only clients make is shown too", () => {
  expect(
    scalar({
      case: "scalar",
      value: { value: { case: "binary", value: { tag: "msgpack", value: new Uint8Array([1]) } } },
    }),
  ).toEqual({
    tag: "msgpack",
    base64: "AQ==",
  });
  expect(
    scalar({ case: "scalar", value: { value: { case: "error", value: { failedNodeId: "n0", message: "m" } } } }),
  ).toEqual({
    failedNodeId: "n0",
    message: "m",
  });
  expect(scalar({ case: "offloadedMetadata", value: { uri: "s3://b/k", sizeBytes: 5n } })).toEqual({
    uri: "s3://b/k",
    sizeBytes: "5",
  });
  expect(toPlain(create(LiteralSchema))).toBe(null);
  const never = { case: "datetime" as const, value: { seconds: 10n ** 15n, nanos: 0 } };
  expect(scalar({ case: "scalar", value: { value: { case: "primitive", value: { value: never } } } })).toBe(
    "1000000000000000s since 1970",
  );
});

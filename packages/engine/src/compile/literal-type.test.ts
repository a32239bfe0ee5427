import { create } from "@bufbuild/protobuf";
import { type Literal, LiteralSchema, type LiteralType, SimpleType } from "@skein/idl/core";
import { expect, test } from "vitest";
import {
  blobOf,
  enumOf,
  FLOAT,
  INT,
  integer,
  list,
  listOf,
  map,
  mapOf,
  NONE,
  nothing,
  STR,
  STRUCT,
  scalar,
  simple,
  text,
  unionLiteral,
  unionOf,
} from "../../test/literals.ts";
import { literalFits, literalTypeOf } from "./literal-type.ts";
import { typeName } from "./type-name.ts";

const msgpack = scalar({ case: "binary", value: { tag: "msgpack" } });
const offloaded = create(LiteralSchema, {
  value: { case: "offloadedMetadata", value: { uri: "s3://b/k", inferredType: listOf(INT) } },
});
const float = scalar({ case: "primitive", value: { value: { case: "floatValue", value: 1 } } });
const dataset = scalar({ case: "structuredDataset", value: {} });

const SHOWN: readonly [Literal, string][] = [
  [integer(5), "int"],
  [float, "float"],
  [text("a"), "str"],
  [scalar({ case: "primitive", value: { value: { case: "boolean", value: true } } }), "bool"],
  [scalar({ case: "primitive", value: { value: { case: "datetime", value: {} } } }), "datetime"],
  [scalar({ case: "primitive", value: { value: { case: "duration", value: {} } } }), "timedelta"],
  [scalar({ case: "blob", value: { metadata: { type: { format: "csv" } } } }), "file[csv]"],
  [scalar({ case: "blob", value: { metadata: { type: { dimensionality: 1 } } } }), "directory"],
  [scalar({ case: "binary", value: {} }), "binary"],
  [msgpack, "struct"],
  [scalar({ case: "generic", value: {} }), "struct"],
  [scalar({ case: "schema", value: {} }), "schema"],
  [dataset, "dataset"],
  [nothing(), "None"],
  [scalar({ case: "error", value: {} }), "error"],
  [unionLiteral(integer(1), INT), "int"],
  [scalar({ case: "union", value: {} }), ""],
  [list(), "list[None]"],
  [list(integer(1), integer(2)), "list[int]"],
  [list(list(), list(integer(1))), "list[list[int]]"],
  [list(list(), list()), "list[list[None]]"],
  [list(map({}), map({ a: text("b") })), "list[dict[str, str]]"],
  [list(integer(1), text("a")), "list[int | str]"],
  [list(text("a"), integer(1)), "list[int | str]"],
  [map({ a: integer(1) }), "dict[str, int]"],
  [offloaded, "list[int]"],
];

test.each(SHOWN)("the type of literal %# is told from its form", (literal, name) => {
  expect(typeName(literalTypeOf(literal))).toBe(name);
});

const UNKNOWN: readonly Literal[] = [
  create(LiteralSchema),
  scalar(undefined),
  scalar({ case: "primitive", value: {} }),
  scalar({ case: "blob", value: {} }),
  list(scalar(undefined)),
  map({ a: scalar(undefined) }),
];

test.each(UNKNOWN)("literal %# says too little to tell its type, and fits nothing", (literal) => {
  expect(literalTypeOf(literal)).toBeUndefined();
  expect(literalFits(literal, INT)).toBe(false);
});

const FITS: readonly [Literal, LiteralType][] = [
  [integer(1), INT],
  [list(), listOf(STR)],
  [list(unionLiteral(integer(1), INT), unionLiteral(nothing(), NONE)), listOf(unionOf(INT, NONE))],
  [map({ a: list(), b: list(integer(1)) }), mapOf(listOf(INT))],
  [list(integer(1)), unionOf(listOf(INT), NONE)],
  [msgpack, STRUCT],
  [msgpack, simple(SimpleType.STRUCT, { metadata: { type: "object", properties: { a: {} } } })],
  [text("red"), enumOf("red", "blue")],
  [offloaded, listOf(INT)],
];

test.each(FITS)("literal %# fits where its type is declared", (literal, type) => {
  expect(literalFits(literal, type)).toBe(true);
});

const MISFITS: readonly [Literal, LiteralType][] = [
  [integer(1), FLOAT],
  [list(integer(1), text("a")), listOf(INT)],
  [map({ a: text("a") }), mapOf(INT)],
  [list(), unionOf(listOf(INT), listOf(STR))],
  [text("green"), enumOf("red", "blue")],
  [offloaded, listOf(STR)],
  [integer(1), blobOf("")],
];

test.each(MISFITS)("literal %# does not fit a type that it is not of", (literal, type) => {
  expect(literalFits(literal, type)).toBe(false);
});

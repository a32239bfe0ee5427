import { create } from "@bufbuild/protobuf";
import {
  SchemaType_SchemaColumn_SchemaColumnType as Column,
  type LiteralType,
  LiteralTypeSchema,
  SimpleType,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import {
  BOOL,
  blobOf,
  DATETIME,
  enumOf,
  FLOAT,
  INT,
  listOf,
  mapOf,
  NONE,
  STR,
  STRUCT,
  simple,
  tagged,
  unionOf,
} from "../../test/literals.ts";
import { castable } from "./castable.ts";

const untyped = create(LiteralTypeSchema);
const schema = (columns: Record<string, Column> = {}): LiteralType =>
  create(LiteralTypeSchema, {
    type: { case: "schema", value: { columns: Object.entries(columns).map(([name, type]) => ({ name, type })) } },
  });
const dataset = (columns: Record<string, LiteralType> = {}, format = ""): LiteralType =>
  create(LiteralTypeSchema, {
    type: {
      case: "structuredDatasetType",
      value: { format, columns: Object.entries(columns).map(([name, literalType]) => ({ name, literalType })) },
    },
  });
const struct = (properties: Record<string, string>): LiteralType =>
  simple(SimpleType.STRUCT, {
    metadata: {
      type: "object",
      properties: Object.fromEntries(Object.entries(properties).map(([name, type]) => [name, { type }])),
    },
  });

const FITS: readonly [string, LiteralType, LiteralType][] = [
  ["int to int", INT, INT],
  ["enum to str", enumOf("a"), STR],
  ["str to enum", STR, enumOf("a")],
  ["equal enums", enumOf("a", "b"), enumOf("a", "b")],
  ["empty list to any list", listOf(NONE), listOf(listOf(INT))],
  ["list to list of a wider element", listOf(INT), listOf(unionOf(INT, STR))],
  ["empty map to any map", mapOf(NONE), mapOf(STR)],
  ["map to equal map", mapOf(INT), mapOf(INT)],
  ["blob to blob without format", blobOf("csv"), blobOf("")],
  ["blob without format to blob", blobOf(""), blobOf("csv")],
  ["equal blobs", blobOf("csv"), blobOf("csv")],
  ["struct without schema to struct", STRUCT, struct({ a: "integer" })],
  ["struct to struct without schema", struct({ a: "integer" }), STRUCT],
  ["struct to equal struct", struct({ a: "integer" }), struct({ a: "integer" })],
  ["struct with more to struct with less", struct({ a: "integer", b: "string" }), struct({ a: "integer" })],
  ["plain type to optional", INT, unionOf(INT, NONE)],
  ["None to optional", NONE, unionOf(INT, NONE)],
  ["union to wider union", unionOf(INT, STR), unionOf(STR, NONE, INT)],
  ["union of one to its variant", unionOf(INT), INT],
  ["union of one to union", unionOf(INT), unionOf(INT, STR)],
  ["union of one to a union with two that fit", unionOf(STR), unionOf(STR, enumOf("a"))],
  ["unions of one inside each other", unionOf(unionOf(unionOf(INT))), INT],
  ["union of one union to a union", unionOf(unionOf(INT, STR)), unionOf(STR, INT)],
  ["None to None", NONE, NONE],
  ["None to dataset", NONE, dataset()],
  ["schema to schema without columns", schema({ a: Column.INTEGER }), schema()],
  [
    "schema to schema with fewer columns",
    schema({ a: Column.INTEGER, b: Column.FLOAT }),
    schema({ a: Column.INTEGER }),
  ],
  ["schema to dataset", schema({ a: Column.STRING }), dataset({ a: STR }, "parquet")],
  ["dataset to schema", dataset({ a: BOOL }, "Parquet"), schema({ a: Column.BOOLEAN })],
  ["dataset to dataset of equal format", dataset({ a: INT, b: STR }, "csv"), dataset({ a: INT }, "CSV")],
  ["dataset to dataset without format", dataset({}, "csv"), dataset({ a: INT })],
  ["tagged to equally tagged", tagged(INT, "int"), tagged(INT, "int")],
  ["untagged to tagged", INT, tagged(INT, "int")],
  ["no type to no type", untyped, untyped],
];

test.each(FITS)("%s fits", (_words, upstream, downstream) => {
  expect(castable(upstream, downstream)).toBe(true);
});

const MISFITS: readonly [string, LiteralType, LiteralType][] = [
  ["int to float", INT, FLOAT],
  ["float to int", FLOAT, INT],
  ["int to enum", INT, enumOf("a")],
  ["enum to int", enumOf("a"), INT],
  ["enum to other enum", enumOf("a"), enumOf("b")],
  ["list to other list", listOf(INT), listOf(STR)],
  ["list to element", listOf(INT), INT],
  ["element to list", INT, listOf(INT)],
  ["map to list", mapOf(INT), listOf(INT)],
  ["list to map", listOf(INT), mapOf(INT)],
  ["blob to blob of other format", blobOf("csv"), blobOf("png")],
  ["str to blob", STR, blobOf("")],
  ["struct to struct with more", struct({ a: "integer" }), struct({ a: "integer", b: "string" })],
  ["struct to struct with other types", struct({ a: "integer" }), struct({ a: "string" })],
  ["plain type to union without it", DATETIME, unionOf(INT, STR)],
  ["plain type to union with two that fit", STR, unionOf(STR, enumOf("a"))],
  ["union to narrower union", unionOf(INT, STR, NONE), unionOf(INT, STR)],
  ["union to plain type", unionOf(INT, STR), INT],
  ["int to None", INT, NONE],
  ["None to int", NONE, INT],
  ["schema to schema with other columns", schema({ a: Column.INTEGER }), schema({ b: Column.INTEGER })],
  ["schema to schema with other column types", schema({ a: Column.INTEGER }), schema({ a: Column.FLOAT })],
  ["schema to dataset of other format", schema(), dataset({}, "csv")],
  ["schema to dataset with other column types", schema({ a: Column.INTEGER }), dataset({ a: STR })],
  ["dataset of other format to schema", dataset({}, "csv"), schema()],
  ["dataset of other format", dataset({}, "csv"), dataset({}, "parquet")],
  ["dataset with other column types", dataset({ a: listOf(INT) }), dataset({ a: INT })],
  ["dataset with a list column to schema", dataset({ a: listOf(INT) }), schema({ a: Column.INTEGER })],
  ["str to schema", STR, schema()],
  ["str to dataset", STR, dataset()],
  ["tagged to other tag", tagged(INT, "int"), tagged(INT, "long")],
  ["tagged to untagged", tagged(INT, "int"), INT],
  ["no type to int", untyped, INT],
];

test.each(MISFITS)("%s does not fit", (_words, upstream, downstream) => {
  expect(castable(upstream, downstream)).toBe(false);
});

test("unions of one inside each other are compared once each", () => {
  let type = INT;
  for (let depth = 0; depth < 90; depth += 1) type = unionOf(listOf(unionOf(type)));
  expect(castable(type, STR)).toBe(false);
  expect(castable(type, unionOf(type, STR))).toBe(true);
});

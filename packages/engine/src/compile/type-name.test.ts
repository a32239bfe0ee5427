import { create } from "@bufbuild/protobuf";
import { LiteralTypeSchema, SimpleType } from "@skein/idl/core";
import { expect, test } from "vitest";
import { enumOf, simple } from "../../test/literals.ts";
import { typeName } from "./type-name.ts";

test("types are told in the words of a Python user", () => {
  expect(typeName(enumOf("red", "blue"))).toBe("enum(red, blue)");
  expect(typeName(simple(SimpleType.STRUCT, { metadata: { title: "Point" } }))).toBe("Point");
  const csv = create(LiteralTypeSchema, { type: { case: "structuredDatasetType", value: { format: "csv" } } });
  expect(typeName(csv)).toBe("dataset[csv]");
});

test("a type that this version does not know is called unknown or by its number", () => {
  expect(typeName(undefined)).toBe("unknown");
  expect(typeName(create(LiteralTypeSchema))).toBe("unknown");
  expect(typeName(simple(99 as SimpleType))).toBe("simple type 99");
});

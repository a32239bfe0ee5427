import type { JsonObject } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { schemaCovers } from "./json-schema.ts";

const inner = { type: "object", properties: { n: { type: "integer" } } };
const withReference: JsonObject = {
  type: "object",
  properties: { inner: { $ref: "#/$defs/Inner" } },
  $defs: { Inner: { ...inner, properties: { ...inner.properties, m: { type: "string" } } } },
};
/** A list of nodes whose `value` is of the given type. */
const linked = (type: string): JsonObject => ({
  $ref: "#/$defs/Node",
  $defs: { Node: { type: "object", properties: { next: { $ref: "#/$defs/Node" }, value: { type } } } },
});

const COVERS: readonly [string, JsonObject, JsonObject][] = [
  ["the same schema in another order", { a: 1, type: "object" }, { type: "object", a: 1 }],
  ["a reference and what it refers to", withReference, { type: "object", properties: { inner } }],
  ["a list of more", { type: "array", items: withReference }, { type: "array", items: { type: "object" } }],
  ["one of several options", { type: "string" }, { anyOf: [{ type: "integer" }, { type: "string" }] }],
  ["fewer values of an enum", { type: "string", enum: ["a"] }, { type: "string", enum: ["a", "b"] }],
  ["anything for no type", { type: "string" }, { title: "Any" }],
  ["schemas that contain themselves", linked("string"), { title: "B", ...linked("string") }],
  ["what is no schema where anything goes", { type: "array", items: true }, { type: "array", items: {} }],
];

test.each(COVERS)("%s is covered", (_words, source, target) => {
  expect(schemaCovers(source, target)).toBe(true);
});

const LACKS: readonly [string, JsonObject, JsonObject][] = [
  ["a property that is missing", { type: "object", properties: {} }, { type: "object", properties: { a: {} } }],
  ["a property named like a method", { type: "object" }, { type: "object", properties: { toString: {} } }],
  ["another option", { anyOf: [{ type: "integer" }, { type: "null" }] }, { type: "integer" }],
  ["another value of an enum", { type: "string", enum: ["c"] }, { type: "string", enum: ["a"] }],
  ["any string for an enum", { type: "string" }, { type: "string", enum: ["a"] }],
  [
    "a list of something else",
    { type: "array", items: { type: "string" } },
    { type: "array", items: { type: "integer" } },
  ],
  ["a list of anything", { type: "array" }, { type: "array", items: { type: "integer" } }],
  ["another value deep in schemas that contain themselves", linked("string"), linked("integer")],
  ["a reference that leads nowhere", { $ref: "#/$defs/Missing" }, { type: "object" }],
];

test.each(LACKS)("%s is not covered", (_words, source, target) => {
  expect(schemaCovers(source, target)).toBe(false);
});

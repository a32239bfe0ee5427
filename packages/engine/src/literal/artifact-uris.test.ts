import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { LiteralSchema, type ScalarSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { artifactUris } from "./artifact-uris.ts";

type Init = MessageInitShape<typeof LiteralSchema>;
type Value = NonNullable<Exclude<MessageInitShape<typeof ScalarSchema>, { $typeName: string }>["value"]>;

const scalar = (value: Value): Init => ({ value: { case: "scalar", value: { value } } });
const urisOf = (init: Init) => artifactUris(create(LiteralSchema, init));
const blob = (uri: string) => scalar({ case: "blob", value: { uri } });

test("blobs, schemas, structured datasets and offloaded literals name objects", () => {
  expect(urisOf(blob("s3://b/f"))).toEqual(["s3://b/f"]);
  expect(urisOf(scalar({ case: "schema", value: { uri: "s3://b/s" } }))).toEqual(["s3://b/s"]);
  expect(urisOf(scalar({ case: "structuredDataset", value: { uri: "s3://b/d" } }))).toEqual(["s3://b/d"]);
  expect(urisOf({ value: { case: "offloadedMetadata", value: { uri: "s3://b/o" } } })).toEqual(["s3://b/o"]);
});

test("so do lists, maps and unions that hold some", () => {
  const union = scalar({ case: "union", value: { value: create(LiteralSchema, blob("s3://b/2")) } });
  const map: Init = { value: { case: "map", value: { literals: { a: union } } } };
  expect(urisOf({ value: { case: "collection", value: { literals: [blob("s3://b/1"), map] } } })).toEqual([
    "s3://b/1",
    "s3://b/2",
  ]);
});

test("other values and empty ones do not", () => {
  const text = { value: { case: "stringValue", value: "s3://b/text" } } as const;
  expect(urisOf(scalar({ case: "primitive", value: text }))).toEqual([]);
  expect(urisOf(scalar({ case: "union", value: {} }))).toEqual([]);
  expect(urisOf({})).toEqual([]);
});

import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { LiteralMapSchema, type LiteralSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { useLocalPaths, useStorageUris } from "./file-uris.ts";

type Init = MessageInitShape<typeof LiteralSchema>;
const blob = (uri: string): Init => ({
  value: { case: "scalar", value: { value: { case: "blob", value: { uri } } } },
});
const everywhere = (one: string, two: string, three: string) =>
  create(LiteralMapSchema, {
    literals: {
      plain: blob(one),
      list: { value: { case: "collection", value: { literals: [blob(two)] } } },
      map: { value: { case: "map", value: { literals: { x: blob(three) } } } },
      maybe: { value: { case: "scalar", value: { value: { case: "union", value: { value: blob(one) } } } } },
      text: {
        value: {
          case: "scalar",
          value: { value: { case: "primitive", value: { value: { case: "stringValue", value: one } } } },
        },
      },
    },
  });

test("files of the storage are paths inside a task and URIs outside, wherever they stand", () => {
  const map = everywhere("file:///store/a", "s3://bucket/b", "file:///store/c");
  useLocalPaths(map);
  expect(map.literals.plain).toMatchObject(blob("/store/a"));
  expect(map.literals.list).toMatchObject({ value: { value: { literals: [blob("s3://bucket/b")] } } });
  useStorageUris(map, "file:///store");
  expect(map).toEqual(everywhere("file:///store/a", "s3://bucket/b", "file:///store/c"));
});

test("a path outside of the storage stays a path", () => {
  const map = create(LiteralMapSchema, { literals: { x: blob("/storehouse/a") } });
  useStorageUris(map, "file:///store");
  expect(map.literals.x).toMatchObject(blob("/storehouse/a"));
});

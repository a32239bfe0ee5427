import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { type LiteralMap, LiteralMapSchema, type LiteralSchema, type ScalarSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { toLocalPaths, toStorageUris } from "./file-uris.ts";
import { rewriteUris } from "./literal-uris.ts";

type Init = MessageInitShape<typeof LiteralSchema>;
type ScalarInit = NonNullable<MessageInitShape<typeof ScalarSchema>["value"]>;
const scalar = (value: ScalarInit): Init => ({ value: { case: "scalar", value: { value } } });
const blob = (uri: string): Init => scalar({ case: "blob", value: { uri } });
const packed = (text: string): Init =>
  scalar({
    case: "binary",
    value: { tag: "msgpack", value: Buffer.concat([Buffer.from([0xa0 | text.length]), Buffer.from(text)]) },
  });
const everywhere = (one: string, two: string, three: string): LiteralMap =>
  create(LiteralMapSchema, {
    literals: {
      plain: blob(one),
      list: { value: { case: "collection", value: { literals: [blob(two)] } } },
      map: { value: { case: "map", value: { literals: { x: blob(three) } } } },
      maybe: scalar({ case: "union", value: { value: blob(one) } }),
      large: { value: { case: "offloadedMetadata", value: { uri: three } } },
      object: packed(one),
      oldObject: scalar({ case: "generic", value: { inner: [one] } }),
      text: scalar({ case: "primitive", value: { value: { case: "stringValue", value: "file:///store/a" } } }),
    },
  });
const places = { rootUri: "file:///store", out: "/home/out", outputPrefix: "file:///store/meta/0" };

test("files of the storage are paths inside a task and URIs outside, wherever they stand", () => {
  const map = everywhere("file:///store/a", "s3://bucket/b", "file:///store/c");
  rewriteUris(map, toLocalPaths("file:///store"));
  expect(map).toEqual(everywhere("/store/a", "s3://bucket/b", "/store/c"));
  rewriteUris(map, toStorageUris(places));
  expect(map).toEqual(everywhere("file:///store/a", "s3://bucket/b", "file:///store/c"));
});

test("what a task left beside its outputs is where it is uploaded to", () => {
  const rewrite = toStorageUris(places);
  expect(rewrite.uri("/home/out/x_offloaded_metadata.pb")).toBe("file:///store/meta/0/x_offloaded_metadata.pb");
  const s3 = toStorageUris({ rootUri: "s3://bucket", out: "/home/out", outputPrefix: "s3://bucket/meta/0" });
  expect(s3.uri("/home/out/x")).toBe("s3://bucket/meta/0/x");
  expect(s3.uri("/store/a")).toBe("/store/a");
});

test("a path outside of the storage stays a path, and so does a text that only looks like a URI", () => {
  expect(toStorageUris(places).uri("/storehouse/a")).toBe("/storehouse/a");
  expect(toLocalPaths("file:///store").text("file:///elsewhere/a")).toBe("file:///elsewhere/a");
  expect(toLocalPaths("s3://bucket").text("s3://bucket/a")).toBe("s3://bucket/a");
});

import { create } from "@bufbuild/protobuf";
import { RawOutputDataConfigSchema } from "@skein/idl/admin";
import { expect, test } from "vitest";
import { rawOutputRule } from "./raw-output-rule.ts";

const check = rawOutputRule("s3://bucket/skein", ["s3://team/data", "gs://archive"]);
const place = (outputLocationPrefix: string) => () =>
  check("spec.raw", { project: "p", domain: "d" }, create(RawOutputDataConfigSchema, { outputLocationPrefix }));

test.each([
  "",
  "s3://bucket/skein",
  "s3://bucket/skein/",
  "s3://bucket/skein/mine",
  "s3://bucket/skein/raw/p/d/mine",
  "s3://team/data",
  "s3://team/data/x",
  "gs://archive/x",
])("raw outputs may go to %j", (uri) => {
  expect(place(uri)).not.toThrow();
  expect(() => check("spec.raw", { project: "p", domain: "d" }, undefined)).not.toThrow();
});

test.each([
  "s3://bucket",
  "s3://bucket/skeins",
  "s3://other/x",
  "s3://team/database",
  "file:///etc",
  "s3://team/data/../other",
  "s3://bucket/skein//x",
  "s3://bucket/skein/a\nb",
  "s3://bucket/skein/meta/p/d",
  "s3://bucket/skein/uploads/p/d",
  "s3://bucket/skein/raw",
  "s3://bucket/skein/raw/other/d",
  "s3://bucket/skein/raw/p/dx",
])("raw outputs may not go to %j", (uri) => {
  const refused = { code: "invalid_argument", message: expect.stringContaining("spec.raw.output_location_prefix") };
  expect(place(uri)).toThrow(expect.objectContaining(refused));
});

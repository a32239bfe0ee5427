import { create } from "@bufbuild/protobuf";
import type { OpenPurge } from "@skein/db/retention";
import { toBytes } from "@skein/idl";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import { expect, test } from "vitest";
import { foldersAround, foldersOfRun, rawFolderOf } from "./run-folders.ts";

const storage = { join: (...segments: string[]) => ["s3://bucket/root", ...segments].join("/") };
const purge = (change: Partial<OpenPurge> & { rawPrefix?: string } = {}): OpenPurge => ({
  ...{ id: 1, runId: "r", kind: "run", project: "p", domain: "d", name: "run", nextOrdinal: 0, nextAttempt: 0 },
  waitsFor: null,
  spec: toBytes(
    ExecutionSpecSchema,
    create(ExecutionSpecSchema, { rawOutputDataConfig: { outputLocationPrefix: change.rawPrefix ?? "" } }),
  ),
  ...change,
});
const rawOf = (change: Parameters<typeof purge>[0], actionName = "n0") =>
  rawFolderOf(storage, purge(change), { actionName, attempt: 1 });

test("a run's own folders lie in the places of its project and domain", () => {
  expect(foldersOfRun(storage, purge())).toEqual(["s3://bucket/root/meta/p/d/run", "s3://bucket/root/logs/p/d/run"]);
  expect(rawOf({})).toMatch(/^s3:\/\/bucket\/root\/raw\/p\/d\/[0-9a-f]{2}\/run-n0-1$/);
  expect(rawOf({ rawPrefix: "s3://bucket/root/raw/p/d/mine/" })).toMatch(/\/raw\/p\/d\/mine\/[0-9a-f]{2}\/run-n0-1$/);
});

test.each([
  "s3://other/root/raw/p/d",
  "s3://bucket/root/raw/p/d2",
  "s3://bucket/root/raw",
  "s3://bucket/root/mine",
  "file:///etc",
])("raw outputs at %s are left to their owner", (rawPrefix) => {
  expect(rawOf({ rawPrefix })).toBeUndefined();
});

test.each(["..", ".", "", "a/b", "a\\b"])("a name like %j is no folder", (name) => {
  for (const change of [{ name }, { project: name }, { domain: name }]) {
    expect(foldersOfRun(storage, purge(change))).toEqual([]);
    expect(rawOf(change)).toBeUndefined();
  }
  expect(rawOf({}, name)).toBeUndefined();
});

test("a reference may name an object or a folder around it, down from the run's own", () => {
  expect(foldersAround("s3://b/raw/x", "s3://b/raw/x/frame/0000.parquet")).toEqual([
    "s3://b/raw/x",
    "s3://b/raw/x/frame",
  ]);
});

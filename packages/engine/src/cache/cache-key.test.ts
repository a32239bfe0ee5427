import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { LiteralMapSchema, SimpleType, type TypedInterface, TypedInterfaceSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { CACHE_SIGNATURE_LENGTH, cacheAddress, cacheDatasetVersion, cacheKey, cacheTag } from "./cache-key.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("base64url");
const interfaceOf = (inputs: Record<string, SimpleType>, description = ""): TypedInterface => {
  const variables = Object.fromEntries(
    Object.entries(inputs).map(([name, simple]) => [
      name,
      { type: { type: { case: "simple" as const, value: simple } }, description },
    ]),
  );
  return create(TypedInterfaceSchema, { inputs: { variables }, outputs: { variables: {} } });
};
const versionOf = (version: string, of: Pick<TypedInterface, "inputs" | "outputs">) =>
  cacheDatasetVersion({ version }, of, digest);

test("a dataset's version is the cache version and a signature of eight characters a side", () => {
  const version = versionOf(" 1.0 ", interfaceOf({ x: SimpleType.INTEGER }));
  expect(version).toMatch(/^1\.0-[\w-]{8}-[\w-]{8}$/);
  expect(version.slice(0, -CACHE_SIGNATURE_LENGTH)).toBe("1.0");
});

test("types and names of variables count, their order and descriptions do not", () => {
  const [x, y] = [{ x: SimpleType.INTEGER }, { y: SimpleType.INTEGER }];
  const wanted = versionOf("1", interfaceOf({ ...x, ...y }));
  expect(versionOf("1", interfaceOf({ ...y, ...x }, "a word about it"))).toBe(wanted);
  expect(versionOf("1", interfaceOf(x))).not.toBe(wanted);
  expect(versionOf("1", interfaceOf({ ...x, y: SimpleType.FLOAT }))).not.toBe(wanted);
  expect(versionOf("2", interfaceOf({ ...x, ...y }))).not.toBe(wanted);
  const swapped = interfaceOf({ ...x, ...y });
  expect(
    cacheDatasetVersion(
      { version: "1" },
      { inputs: swapped.outputs, outputs: swapped.inputs } as TypedInterface,
      digest,
    ),
  ).not.toBe(wanted);
});

test("an interface without variables and one that leaves them out are the same", () => {
  const empty = create(TypedInterfaceSchema, { inputs: {}, outputs: {} });
  expect(versionOf("1", empty)).toBe(versionOf("1", create(TypedInterfaceSchema)));
  const untyped = create(TypedInterfaceSchema, { inputs: { variables: { x: {} } } });
  expect(versionOf("1", untyped)).not.toBe(versionOf("1", empty));
});

test("the address is read back from the task and the key, whatever the names hold", () => {
  const tag = cacheTag({ ignoredInputs: new Set() }, create(LiteralMapSchema), digest);
  expect(tag).toMatch(/^flyte_cached-[\w-]{43}$/);
  expect(cacheAddress("p:d:a:b.c:v7", cacheKey("1/0-aaaaaaaa-bbbbbbbb", tag))).toEqual({
    project: "p",
    domain: "d",
    datasetName: "flyte_task-a:b.c",
    datasetVersion: "1/0-aaaaaaaa-bbbbbbbb",
    tag,
  });
});

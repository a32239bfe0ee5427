import { expect, test } from "vitest";
import { z } from "zod";
import { env } from "./env.ts";
import { prefixList, storageFields } from "./storage-fields.ts";

const read = env(z.object({ ...storageFields, rawOutputPrefixes: prefixList().default([]) }));
const problemOf = (environment: Record<string, string>): string => {
  try {
    read({ SKEIN_STORAGE: "file:///x", ...environment });
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
};

test.each(["file:///x", "s3://b/p", "gs://b/p", "abfs://c@a.dfs.core.windows.net/p", "abfss://c/p"])(
  "%s is a storage",
  (storage) => {
    expect(read({ SKEIN_STORAGE: storage }).storage).toBe(storage);
  },
);

test("what is no storage, role, account or folder is refused with the variable's name", () => {
  expect(problemOf({ SKEIN_STORAGE: "ftp://x" })).toContain("SKEIN_STORAGE: must be");
  expect(problemOf({ SKEIN_S3_ROLE_ARN: "arn:aws:iam::1:user/x" })).toContain(
    "SKEIN_S3_ROLE_ARN: must be a role's ARN",
  );
  expect(problemOf({ SKEIN_AZURE_ACCOUNT: "My-Account" })).toContain("SKEIN_AZURE_ACCOUNT");
  expect(problemOf({ SKEIN_RAW_OUTPUT_PREFIXES: "s3://b/*" })).toContain("SKEIN_RAW_OUTPUT_PREFIXES");
  expect(problemOf({ SKEIN_S3_ROLE_ARN: "arn:aws-cn:iam::123456789012:role/path/skein" })).toBe("");
});

test("folders are read without their trailing slashes", () => {
  const { rawOutputPrefixes } = read({ SKEIN_STORAGE: "s3://b", SKEIN_RAW_OUTPUT_PREFIXES: "s3://a/b/ , gs://c," });
  expect(rawOutputPrefixes).toEqual(["s3://a/b", "gs://c"]);
});

import { openStorage } from "@skein/storage";
import { expect, test } from "vitest";
import { readConfig } from "../config.ts";
import { openStoreCredentials } from "./open-store-credentials.ts";

const configOf = (storage: string, more: Record<string, string> = {}) =>
  readConfig({
    DATABASE_URL: "postgres://skein@localhost/skein",
    SKEIN_SECRET_KEY: "4f1d2a9c7e6b38508d3c1f0a9b7e6d5c",
    SKEIN_STORAGE: storage,
    ...more,
  });
const role = { SKEIN_TASK_ROLE_ARN: "arn:aws:iam::123456789012:role/tasks" };

test.each([
  ["gs://bucket/skein", role],
  ["s3://bucket/skein", { ...role, SKEIN_RAW_OUTPUT_PREFIXES: "gs://archive" }],
])("a role for tasks needs everything in S3: %s, %j", async (uri, more) => {
  const storage = await openStorage({ uri });
  await expect(openStoreCredentials(configOf(uri, more), storage, [])).rejects.toMatchObject({
    reason: "task_role_without_s3",
    message: expect.stringContaining("gs://"),
  });
  storage.close();
});

test("without a role the server makes no credentials; with one, what makes them is closed in the end", async () => {
  const storage = await openStorage({ uri: "s3://bucket/skein" });
  const closers: (() => void | Promise<void>)[] = [];
  expect(await openStoreCredentials(configOf("s3://bucket/skein"), storage, closers)).toBeUndefined();
  expect(closers).toEqual([]);
  expect(await openStoreCredentials(configOf("s3://bucket/skein", role), storage, closers)).toBeTypeOf("function");
  expect(closers).toHaveLength(1);
  await closers[0]?.();
  storage.close();
});

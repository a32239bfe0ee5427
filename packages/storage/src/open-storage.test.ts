import { expect, test } from "vitest";
import { openStorage } from "./open-storage.ts";

test.each([
  "",
  "/var/x",
  "file://relative",
  "file:///a/../b",
  "gs://",
  "gs://UPPER/x",
  "s3://",
  "s3://UPPER/x",
  "s3://b/a//b",
  "abfs://c@account/x",
  "abfs://c@evil.example.com#.dfs.core.windows.net/x",
])("the storage URI %j is refused with an example", async (uri) => {
  const refused = { reason: "storage_uri_invalid", message: expect.stringContaining("s3://my-bucket/skein") };
  await expect(openStorage({ uri })).rejects.toMatchObject(refused);
});

test("a container without an account says what to set", async () => {
  const refused = { reason: "storage_account_missing", message: expect.stringContaining("SKEIN_AZURE_ACCOUNT") };
  await expect(openStorage({ uri: "abfs://container/prefix" })).rejects.toMatchObject(refused);
});

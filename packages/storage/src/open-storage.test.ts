import { expect, test } from "vitest";
import { openStorage } from "./open-storage.ts";

test.each(["", "/var/x", "file://relative", "file:///a/../b", "gs://bucket", "s3://", "s3://UPPER/x", "s3://b/a//b"])(
  "the storage URI %j is refused with an example",
  async (uri) => {
    const refused = { reason: "storage_uri_invalid", message: expect.stringContaining("s3://my-bucket/skein") };
    await expect(openStorage({ uri })).rejects.toMatchObject(refused);
  },
);

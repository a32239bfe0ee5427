import { createHash } from "node:crypto";
import { INSTALL_FAKE_GCS, requireTool, startGcs, type TestGcs } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openStorage } from "./open-storage.ts";
import { storageTestSuite } from "./storage.testsuite.ts";
import type { Storage } from "./storage.ts";

const hasServer = requireTool("fake-gcs-server", INSTALL_FAKE_GCS) !== undefined;

describe.skipIf(!hasServer)("Google Cloud Storage", () => {
  let server: TestGcs;
  let storage: Storage;
  const open = (bucket: string, endpoint = server.endpoint) =>
    openStorage({
      uri: `gs://${bucket}/some/prefix`,
      gcs: { endpoint, publicEndpoint: server.publicEndpoint },
    });

  beforeAll(async () => {
    server = await startGcs();
    // Google's own variable; only what signs reads it.
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", server.keyFile);
    storage = await open(server.bucket);
  });
  afterAll(async () => {
    storage.close();
    vi.unstubAllEnvs();
    await server.close();
  });

  storageTestSuite("GCS storage", () => storage, { promisedMd5: true, contentMd5: true, signatures: true });

  test("a signed upload signs the MD5, the metadata and the most bytes, for the public endpoint", async () => {
    const contentMd5 = createHash("md5").update("x").digest();
    const limits = { contentLengthMax: 10, expiresInSeconds: 60 };
    const uri = storage.join("signed");
    const { url, headers } = await storage.signUpload({ uri, contentMd5, md5AsMetadata: true, ...limits });
    expect(headers).toEqual({
      "x-goog-content-length-range": "0,10",
      "x-goog-meta-flytecontentmd5": contentMd5.toString("base64"),
    });
    const signed = new URL(url);
    expect(signed.hostname).toBe("localhost");
    expect(signed.searchParams.get("X-Goog-SignedHeaders")?.split(";")).toEqual([
      "content-md5",
      "host",
      ...Object.keys(headers),
    ]);
    expect(signed.searchParams.get("X-Goog-Expires")).toBe("60");
  });

  test("a dead server says so", async () => {
    const dead = await open(server.bucket, "http://127.0.0.1:9");
    await expect(dead.get(dead.join("a"))).rejects.toMatchObject({ reason: "storage_unavailable" });
  });
});

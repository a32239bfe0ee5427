import { createHash } from "node:crypto";
import { INSTALL_VERSITYGW, requireTool, startS3, type TestS3 } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStorage } from "./open-storage.ts";
import { storageTestSuite } from "./storage.testsuite.ts";
import type { Storage } from "./storage.ts";

const hasServer = requireTool("versitygw", INSTALL_VERSITYGW) !== undefined;

describe.skipIf(!hasServer)("S3", () => {
  let server: TestS3;
  let storage: Storage;

  beforeAll(async () => {
    server = await startS3();
    storage = await openStorage({
      uri: `s3://${server.bucket}/some/prefix`,
      s3: {
        endpoint: server.endpoint,
        publicEndpoint: server.endpoint.replace("127.0.0.1", "localhost"),
        region: server.region,
        credentials: server,
      },
    });
  });
  afterAll(async () => {
    storage.close();
    await server.close();
  });

  storageTestSuite("S3 storage", () => storage);

  test("signed URLs carry the public endpoint, and the metadata header is part of what is signed", async () => {
    const contentMd5 = createHash("md5").update("x").digest();
    const uri = storage.join("metadata");
    const limits = { contentLengthMax: 10, expiresInSeconds: 60 };
    const { url, headers } = await storage.signUpload({ uri, contentMd5, md5AsMetadata: true, ...limits });
    const md5 = contentMd5.toString("base64");
    expect(new URL(url).hostname).toBe("localhost");
    expect(headers).toEqual({ "x-amz-meta-flytecontentmd5": md5 });
    const withoutMetadata = await fetch(url, { method: "PUT", body: "x", headers: { "Content-MD5": md5 } });
    expect(withoutMetadata.status).toBe(403);
    expect(await storage.head(uri)).toBeUndefined();
  });

  test("a bucket that is not there, wrong keys and a dead server each say so", async () => {
    const open = (bucket: string, change: object) =>
      openStorage({ uri: `s3://${bucket}`, s3: { endpoint: server.endpoint, credentials: server, ...change } });
    const wrongBucket = await open("no-such-bucket", {});
    const wrongKey = await open(server.bucket, { credentials: { accessKeyId: "no", secretAccessKey: "no" } });
    const dead = await open(server.bucket, { endpoint: "http://127.0.0.1:9" });
    await expect(wrongBucket.get(wrongBucket.join("a"))).rejects.toMatchObject({ reason: "storage_refused" });
    await expect(wrongKey.get(wrongKey.join("a"))).rejects.toMatchObject({ reason: "storage_refused" });
    await expect(dead.get(dead.join("a"))).rejects.toMatchObject({ reason: "storage_unavailable" });
  });
});

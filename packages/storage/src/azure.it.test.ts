import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { startAzure, type TestAzure } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AzureOptions } from "./azure/options.ts";
import { openStorage } from "./open-storage.ts";
import { storageTestSuite } from "./storage.testsuite.ts";
import type { Storage } from "./storage.ts";

describe("Azure Blob Storage", () => {
  let server: TestAzure;
  let storage: Storage;
  const open = (container: string, change: AzureOptions = {}) =>
    openStorage({ uri: `abfs://${container}/some/prefix`, azure: { ...server, ...change } });

  beforeAll(async () => {
    server = await startAzure();
    storage = await open(server.container, { publicEndpoint: server.endpoint.replace("127.0.0.1", "localhost") });
  });
  afterAll(async () => {
    storage.close();
    await server.close();
  });

  storageTestSuite("Azure storage", () => storage, { promisedMd5: true });

  test("signed URLs carry the public endpoint, and say what kind of blob to make", async () => {
    const request = { uri: storage.join("signed"), contentLengthMax: 10, expiresInSeconds: 60 };
    const { url, headers } = await storage.signUpload(request);
    expect(new URL(url).hostname).toBe("localhost");
    expect(headers).toEqual({ "x-ms-blob-type": "BlockBlob" });
  });

  test("the account may stand in the URI", async () => {
    const uri = `abfs://${server.container}@${server.account}.dfs.core.windows.net`;
    const { endpoint, accountKey } = server;
    const named = await openStorage({ uri, azure: { endpoint, accountKey } });
    await named.put(named.join("named"), Buffer.from("x"));
    expect(await named.head(`${uri}/named`)).toMatchObject({ uri: `${uri}/named`, sizeBytes: 1 });
  });

  test("a shared access signature reaches what it names, and no further", async () => {
    const { account, accountKey, endpoint, container } = server;
    const signature = (permissions: string) =>
      generateBlobSASQueryParameters(
        {
          containerName: container,
          permissions: ContainerSASPermissions.parse(permissions),
          expiresOn: new Date(Date.now() + 60_000),
        },
        new StorageSharedKeyCredential(account, accountKey),
      ).toString();
    const withSignature = (sasToken: string) =>
      openStorage({ uri: `abfs://${container}/some/prefix`, azure: { account, endpoint, sasToken } });
    const uri = storage.join("by-signature");
    const writer = await withSignature(signature("rcwl"));
    await writer.put(uri, Buffer.from("x"));
    const reader = await withSignature(`?${signature("r")}`);
    expect(Buffer.from(await reader.get(uri)).toString()).toBe("x");
    await expect(reader.put(uri, Buffer.from("y"))).rejects.toMatchObject({ reason: "storage_forbidden" });
  });

  test("a container that is not there, a wrong key and a dead server each say so", async () => {
    const wrongContainer = await open("no-such-container");
    const wrongKey = await open(server.container, { accountKey: Buffer.from("another").toString("base64") });
    const dead = await open(server.container, { endpoint: "http://127.0.0.1:9/skeintest" });
    await expect(wrongContainer.get(wrongContainer.join("a"))).rejects.toMatchObject({ reason: "storage_refused" });
    // Azure itself says AuthenticationFailed, which is storage_refused.
    await expect(wrongKey.get(wrongKey.join("a"))).rejects.toMatchObject({ reason: "storage_forbidden" });
    await expect(dead.get(dead.join("a"))).rejects.toMatchObject({ reason: "storage_unavailable" });
  });
});

import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { DefaultAzureCredential } from "@azure/identity";
import {
  AnonymousCredential,
  BlobServiceClient,
  type BlockBlobClient,
  type ContainerClient,
  RestError,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import type { Bucket } from "../bucket.ts";
import { putInParts } from "../parts.ts";
import { readAll } from "../read-all.ts";
import type { SignedUpload, UploadRequest } from "../storage.ts";
import { azureProblem } from "./errors.ts";
import { azureLocation } from "./location.ts";
import type { AzureOptions } from "./options.ts";
import { AzureSigner } from "./signing.ts";

const RETRIES = { retryOptions: { maxTries: 4, retryDelayInMs: 300, maxRetryDelayInMs: 5_000 } };
/** How an account with a hierarchical namespace marks its folders, which are no objects. */
const FOLDER_MARK = "hdi_isfolder";

/** A container of Azure Blob Storage. */
export class AzureBucket implements Bucket {
  readonly problemOf = azureProblem;
  readonly #container: ContainerClient;
  readonly #signer: AzureSigner;
  readonly #publicUrl: string;

  constructor(authority: string, options: AzureOptions) {
    const location = azureLocation(authority, options);
    const { account, container, endpoint } = location;
    const key =
      options.accountKey === undefined ? undefined : new StorageSharedKeyCredential(account, options.accountKey);
    const service = openService(endpoint, key, options.sasToken);
    this.#container = service.getContainerClient(container);
    this.#signer = new AzureSigner(service, location, key);
    this.#publicUrl = `${(options.publicEndpoint ?? endpoint).replace(/\/+$/, "")}/${container}`;
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#blob(key).upload(body, body.length);
  }

  async putStream(key: string, body: Readable): Promise<void> {
    await putInParts(
      body,
      (content) => this.put(key, content),
      (parts) => this.#putBlocks(key, parts),
    );
  }

  async open(key: string) {
    const { contentLength = 0, readableStreamBody } = await this.#blob(key).download();
    const body = readableStreamBody instanceof Readable ? readableStreamBody : Readable.from([]);
    return { sizeBytes: contentLength, body };
  }

  async getRange(key: string, start: number, end: number): Promise<Uint8Array> {
    const { readableStreamBody } = await this.#blob(key).download(start, end - start + 1);
    return readableStreamBody instanceof Readable ? await readAll(readableStreamBody) : new Uint8Array();
  }

  async head(key: string) {
    const { metadata, contentLength = 0, contentMD5 } = await this.#blob(key).getProperties();
    if (metadata?.[FOLDER_MARK] === "true") throw new RestError("a folder", { code: "BlobNotFound", statusCode: 404 });
    return { sizeBytes: contentLength, ...(contentMD5 && { md5: contentMD5 }) };
  }

  async *list(prefix: string) {
    for await (const { name, properties, metadata } of this.#container.listBlobsFlat({
      prefix,
      includeMetadata: true,
    })) {
      if (metadata?.[FOLDER_MARK] === "true") continue;
      yield { key: name, sizeBytes: properties.contentLength ?? 0 };
    }
  }

  async remove(key: string): Promise<void> {
    await this.#blob(key).delete();
  }

  /** Azure signs no headers: it checks the content against the Content-MD5 that is sent, whichever that is. */
  async signUpload(key: string, request: UploadRequest): Promise<SignedUpload> {
    const md5 = request.contentMd5 && Buffer.from(request.contentMd5).toString("base64");
    const asMetadata = md5 !== undefined && request.md5AsMetadata === true;
    return {
      url: await this.#signedUrl(key, "cw", request.expiresInSeconds),
      headers: { "x-ms-blob-type": "BlockBlob", ...(asMetadata && { "x-ms-meta-flytecontentmd5": md5 }) },
    };
  }

  async signDownload(key: string, expiresInSeconds: number): Promise<string> {
    return await this.#signedUrl(key, "r", expiresInSeconds);
  }

  close(): void {}

  #blob(key: string): BlockBlobClient {
    return this.#container.getBlockBlobClient(key);
  }

  async #putBlocks(key: string, parts: AsyncIterable<Buffer>): Promise<void> {
    const blob = this.#blob(key);
    const md5 = createHash("md5");
    const ids: string[] = [];
    for await (const part of parts) {
      const id = Buffer.from(String(ids.length).padStart(8, "0")).toString("base64");
      md5.update(part);
      await blob.stageBlock(id, part, part.length);
      ids.push(id);
    }
    // Nobody sees anything of it before this; Azure forgets blocks that are never committed.
    await blob.commitBlockList(ids, { blobHTTPHeaders: { blobContentMD5: md5.digest() } });
  }

  async #signedUrl(key: string, permissions: string, expiresInSeconds: number): Promise<string> {
    const path = key.split("/").map(encodeURIComponent).join("/");
    return `${this.#publicUrl}/${path}?${await this.#signer.query(key, permissions, expiresInSeconds)}`;
  }
}

function openService(
  endpoint: string,
  key: StorageSharedKeyCredential | undefined,
  sasToken: string | undefined,
): BlobServiceClient {
  if (key) return new BlobServiceClient(endpoint, key, RETRIES);
  if (sasToken === undefined) return new BlobServiceClient(endpoint, new DefaultAzureCredential(), RETRIES);
  return new BlobServiceClient(`${endpoint}?${sasToken.replace(/^\?/, "")}`, new AnonymousCredential(), RETRIES);
}

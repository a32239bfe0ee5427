import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type File, Storage as Gcs, type Bucket as GcsSdkBucket, IdempotencyStrategy } from "@google-cloud/storage";
import type { Bucket } from "../bucket.ts";
import { putInParts } from "../parts.ts";
import { readAll } from "../read-all.ts";
import type { SignedUpload, UploadRequest } from "../storage.ts";
import { download } from "./download.ts";
import { gcsProblem } from "./errors.ts";
import type { GcsOptions } from "./options.ts";

const LENGTH_HEADER = "x-goog-content-length-range";
const MD5_METADATA_HEADER = "x-goog-meta-flytecontentmd5";
/** What the SDK holds of a resumable upload; a multiple of 256 KiB. */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** A bucket of Google Cloud Storage. */
export class GcsBucket implements Bucket {
  readonly problemOf = gcsProblem;
  readonly #gcs: Gcs;
  readonly #bucket: GcsSdkBucket;
  readonly #publicEndpoint: string | undefined;

  constructor(bucket: string, options: GcsOptions) {
    const { endpoint } = options;
    this.#gcs = new Gcs({
      ...(endpoint !== undefined && { apiEndpoint: endpoint, projectId: "emulated" }),
      // Writing the same object twice is what writing it once is, so every request may be repeated.
      retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways, maxRetries: 3 },
    });
    this.#bucket = this.#gcs.bucket(bucket);
    this.#publicEndpoint = options.publicEndpoint ?? endpoint;
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#file(key).save(Buffer.from(body), { resumable: false, validation: "md5" });
  }

  async putStream(key: string, body: Readable): Promise<void> {
    await putInParts(
      body,
      (content) => this.put(key, content),
      (parts) => pipeline(parts, this.#file(key).createWriteStream({ resumable: true, chunkSize: CHUNK_BYTES })),
    );
  }

  async open(key: string) {
    return await download(this.#gcs, this.#bucket.name, key);
  }

  async getRange(key: string, start: number, end: number): Promise<Uint8Array> {
    const { body } = await download(this.#gcs, this.#bucket.name, key, `bytes=${start}-${end}`);
    return await readAll(body);
  }

  async head(key: string) {
    const [{ size, md5Hash }] = await this.#file(key).getMetadata();
    return { sizeBytes: Number(size ?? 0), ...(md5Hash !== undefined && { md5: Buffer.from(md5Hash, "base64") }) };
  }

  async *list(prefix: string) {
    const files: AsyncIterable<File> = this.#bucket.getFilesStream({ prefix });
    for await (const { name, metadata } of files) yield { key: name, sizeBytes: Number(metadata.size ?? 0) };
  }

  async remove(key: string): Promise<void> {
    await this.#file(key).delete();
  }

  async signUpload(key: string, request: UploadRequest): Promise<SignedUpload> {
    const md5 = request.contentMd5 && Buffer.from(request.contentMd5).toString("base64");
    const headers: Record<string, string> = { [LENGTH_HEADER]: `0,${request.contentLengthMax}` };
    if (md5 !== undefined && request.md5AsMetadata === true) headers[MD5_METADATA_HEADER] = md5;
    const [url] = await this.#file(key).getSignedUrl({
      ...this.#signing("write", request.expiresInSeconds),
      extensionHeaders: headers,
      ...(md5 !== undefined && { contentMd5: md5 }),
    });
    return { url, headers };
  }

  async signDownload(key: string, expiresInSeconds: number): Promise<string> {
    const [url] = await this.#file(key).getSignedUrl(this.#signing("read", expiresInSeconds));
    return url;
  }

  close(): void {}

  #file(key: string): File {
    return this.#bucket.file(key);
  }

  #signing<A extends "read" | "write">(action: A, expiresInSeconds: number) {
    const host = this.#publicEndpoint === undefined ? {} : { host: this.#publicEndpoint };
    return { version: "v4" as const, action, expires: Date.now() + expiresInSeconds * 1000, ...host };
  }
}

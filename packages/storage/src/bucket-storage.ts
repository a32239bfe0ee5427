import { Readable } from "node:stream";
import { SkeinError } from "@skein/errors";
import type { Bucket } from "./bucket.ts";
import { joinKey, keyOf, objectNotFound, objectTooLarge, uriOf } from "./object-uri.ts";
import { readAll } from "./read-all.ts";
import type { ObjectInfo, SignedUpload, Storage, UploadRequest } from "./storage.ts";

/** Objects of one bucket, below the prefix that `rootUri` names: `<scheme>://<bucket>[/<prefix>]`. */
export class BucketStorage implements Storage {
  readonly rootUri: string;
  /** Such stores answer their signed URLs themselves. */
  readonly serveSigned = undefined;
  readonly #prefix: string;
  readonly #bucket: Bucket;

  constructor(rootUri: string, bucket: Bucket) {
    const [, prefix] = /^[a-z0-9]+:\/\/[^/]+(?:\/(.+))?$/.exec(rootUri) ?? [];
    this.rootUri = rootUri;
    this.#prefix = prefix === undefined ? "" : `${prefix}/`;
    this.#bucket = bucket;
  }

  join(...segments: string[]): string {
    return uriOf(this.rootUri, joinKey(segments));
  }

  async put(uri: string, body: Uint8Array | Readable): Promise<void> {
    await this.#run(uri, (key) =>
      body instanceof Readable ? this.#bucket.putStream(key, body) : this.#bucket.put(key, body),
    );
  }

  async get(uri: string, options: { readonly bytesMax?: number } = {}): Promise<Uint8Array> {
    return await this.#run(uri, async (key) => {
      const { sizeBytes, body } = await this.#bucket.open(key);
      const bytesMax = options.bytesMax ?? Number.POSITIVE_INFINITY;
      if (sizeBytes > bytesMax) {
        body.destroy();
        throw objectTooLarge(uri, bytesMax);
      }
      return await readAll(body);
    });
  }

  async getStream(uri: string): Promise<Readable> {
    return await this.#run(uri, async (key) => (await this.#bucket.open(key)).body);
  }

  async getRange(uri: string, start: number, lengthMax: number): Promise<Uint8Array> {
    if (lengthMax < 1) return new Uint8Array();
    return await this.#run(uri, async (key) => {
      try {
        return await this.#bucket.getRange(key, start, start + lengthMax - 1);
      } catch (error) {
        if (this.#bucket.problemOf(error) === "behindEnd") return new Uint8Array();
        throw error;
      }
    });
  }

  async head(uri: string): Promise<ObjectInfo | undefined> {
    return await this.#run(uri, async (key) => {
      const found = await this.#unlessMissing(() => this.#bucket.head(key));
      return found && { uri, ...found };
    });
  }

  async *list(prefixUri: string): AsyncIterable<ObjectInfo> {
    const isRoot = prefixUri === this.rootUri;
    const folder = isRoot ? this.#prefix : `${this.#locate(prefixUri.replace(/\/$/, ""))}/`;
    try {
      for await (const { key, sizeBytes } of this.#bucket.list(folder)) {
        if (key.endsWith("/")) continue;
        yield { uri: uriOf(this.rootUri, key.slice(this.#prefix.length)), sizeBytes };
      }
    } catch (error) {
      throw this.#translate(prefixUri, error);
    }
  }

  async remove(uri: string): Promise<void> {
    await this.#run(uri, (key) => this.#unlessMissing(() => this.#bucket.remove(key)));
  }

  async signUpload(request: UploadRequest): Promise<SignedUpload> {
    return await this.#run(request.uri, (key) => this.#bucket.signUpload(key, request));
  }

  async signDownload(uri: string, expiresInSeconds: number): Promise<string> {
    return await this.#run(uri, (key) => this.#bucket.signDownload(key, expiresInSeconds));
  }

  close(): void {
    this.#bucket.close();
  }

  #locate(uri: string): string {
    return this.#prefix + keyOf(this.rootUri, uri);
  }

  async #run<T>(uri: string, work: (key: string) => Promise<T>): Promise<T> {
    const key = this.#locate(uri);
    try {
      return await work(key);
    } catch (error) {
      throw this.#translate(uri, error);
    }
  }

  async #unlessMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.#bucket.problemOf(error) === "missing") return undefined;
      throw error;
    }
  }

  /** In our words: worth another try, or to be set right by whoever runs Skein. */
  #translate(uri: string, error: unknown): unknown {
    if (error instanceof SkeinError || !(error instanceof Error)) return error;
    const said = `${error.name}: ${error.message}`;
    switch (this.#bucket.problemOf(error)) {
      case "missing":
        return objectNotFound(uri, error);
      case "forbidden":
        return forbidden(uri, said, error);
      case "outage":
        return new SkeinError(
          "unavailable",
          "storage_unavailable",
          `The object store did not answer for ${uri} (${said}).`,
          { cause: error },
        );
      default:
        return new SkeinError(
          "failed_precondition",
          "storage_refused",
          `The object store refused ${uri} (${said}). Check the bucket's name, the region and the credentials.`,
          { cause: error },
        );
    }
  }
}

/** A store that may not say what it holds answers the same for what it does not hold. */
const forbidden = (uri: string, said: string, cause: Error): SkeinError =>
  new SkeinError(
    "permission_denied",
    "storage_forbidden",
    `The object store does not let these credentials reach ${uri} (${said}). Allow them to read, write and list below the storage root: without the right to list, S3 also answers so for an object that is not there.`,
    { cause },
  );

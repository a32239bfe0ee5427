import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { joinKey, keyOf, objectNotFound, objectTooLarge, uriOf } from "./object-uri.ts";
import { isMissing, translateS3Error } from "./s3-errors.ts";
import { putStream } from "./s3-multipart.ts";
import type { ObjectInfo, SignedUpload, Storage, UploadRequest } from "./storage.ts";

/** How to reach S3 or a server that speaks its protocol. What is left out comes from the usual AWS variables and files. */
export interface S3Options {
  /** For a server other than AWS: addressed path-style. */
  readonly endpoint?: string;
  /** The same server as clients outside reach it; signed URLs carry it. */
  readonly publicEndpoint?: string;
  readonly region?: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

/** The header that Flyte's clients send when the MD5 is to be kept as metadata. */
const MD5_METADATA_HEADER = "x-amz-meta-flytecontentmd5";

/** Objects of one bucket, below an optional prefix. */
export function openS3Storage(rootUri: string, options: S3Options): Storage {
  return new S3Storage(rootUri, options);
}

class S3Storage implements Storage {
  readonly rootUri: string;
  /** S3 answers its signed URLs itself. */
  readonly serveSigned = undefined;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #signingClient: S3Client;

  constructor(rootUri: string, options: S3Options) {
    const [bucket = "", ...prefix] = rootUri.slice("s3://".length).split("/");
    this.rootUri = rootUri;
    this.#bucket = bucket;
    this.#prefix = prefix.length > 0 ? `${prefix.join("/")}/` : "";
    this.#client = openClient(options, options.endpoint);
    this.#signingClient = openClient(options, options.publicEndpoint ?? options.endpoint);
  }

  join(...segments: string[]): string {
    return uriOf(this.rootUri, joinKey(segments));
  }

  async put(uri: string, body: Uint8Array | Readable): Promise<void> {
    const target = this.#locate(uri);
    await this.#run(uri, async () => {
      if (body instanceof Readable) await putStream(this.#client, target, body);
      else await this.#client.send(new PutObjectCommand({ ...target, Body: body }));
    });
  }

  async get(uri: string, options: { readonly bytesMax?: number } = {}): Promise<Uint8Array> {
    return await this.#run(uri, async () => {
      const answer = await this.#client.send(new GetObjectCommand(this.#locate(uri)));
      const bytesMax = options.bytesMax ?? Number.POSITIVE_INFINITY;
      if ((answer.ContentLength ?? 0) > bytesMax) {
        if (answer.Body instanceof Readable) answer.Body.destroy();
        throw objectTooLarge(uri, bytesMax);
      }
      return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    });
  }

  async getStream(uri: string): Promise<Readable> {
    return await this.#run(uri, async () => {
      const { Body } = await this.#client.send(new GetObjectCommand(this.#locate(uri)));
      return Body instanceof Readable ? Body : Readable.from([]);
    });
  }

  async getRange(uri: string, start: number, lengthMax: number): Promise<Uint8Array> {
    const info = await this.head(uri);
    if (!info) throw objectNotFound(uri);
    const end = Math.min(info.sizeBytes, start + lengthMax) - 1;
    if (end < start) return new Uint8Array();
    return await this.#run(uri, async () => {
      const Range = `bytes=${start}-${end}`;
      const { Body } = await this.#client.send(new GetObjectCommand({ ...this.#locate(uri), Range }));
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    });
  }

  async head(uri: string): Promise<ObjectInfo | undefined> {
    return await this.#run(uri, async () => {
      const found = await this.#client.send(new HeadObjectCommand(this.#locate(uri))).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      if (!found) return undefined;
      const md5 = md5Of(found.Metadata, found.ETag);
      return { uri, sizeBytes: found.ContentLength ?? 0, ...(md5 && { md5 }) };
    });
  }

  async *list(prefixUri: string): AsyncIterable<ObjectInfo> {
    const isRoot = prefixUri === this.rootUri;
    const folder = isRoot ? this.#prefix : `${this.#locate(prefixUri.replace(/\/$/, "")).Key}/`;
    let token: string | undefined;
    do {
      const query = { Bucket: this.#bucket, Prefix: folder, ...(token && { ContinuationToken: token }) };
      const page = await this.#run(prefixUri, () => this.#client.send(new ListObjectsV2Command(query)));
      for (const { Key = "", Size = 0 } of page.Contents ?? []) {
        if (Key.endsWith("/")) continue;
        yield { uri: uriOf(this.rootUri, Key.slice(this.#prefix.length)), sizeBytes: Size };
      }
      token = page.NextContinuationToken;
    } while (token);
  }

  async remove(uri: string): Promise<void> {
    await this.#run(uri, () => this.#client.send(new DeleteObjectCommand(this.#locate(uri))));
  }

  async signUpload(request: UploadRequest): Promise<SignedUpload> {
    const md5 = request.contentMd5 && Buffer.from(request.contentMd5).toString("base64");
    const asMetadata = md5 !== undefined && request.md5AsMetadata === true;
    const command = new PutObjectCommand({
      ...this.#locate(request.uri),
      ...(md5 && { ContentMD5: md5 }),
      ...(asMetadata && { Metadata: { flytecontentmd5: md5 } }),
    });
    // Left as headers, these become part of what is signed: S3 then refuses a PUT without them or with others.
    const kept = new Set(["content-md5", MD5_METADATA_HEADER]);
    const url = await getSignedUrl(this.#signingClient, command, {
      expiresIn: request.expiresInSeconds,
      signableHeaders: new Set(["host", ...kept]),
      unhoistableHeaders: kept,
    });
    return { url, headers: asMetadata ? { [MD5_METADATA_HEADER]: md5 } : {} };
  }

  async signDownload(uri: string, expiresInSeconds: number): Promise<string> {
    const command = new GetObjectCommand(this.#locate(uri));
    return await getSignedUrl(this.#signingClient, command, { expiresIn: expiresInSeconds });
  }

  close(): void {
    this.#client.destroy();
    this.#signingClient.destroy();
  }

  #locate(uri: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + keyOf(this.rootUri, uri) };
  }

  async #run<T>(uri: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw isMissing(error) ? objectNotFound(uri, error) : translateS3Error(uri, error);
    }
  }
}

function openClient(options: S3Options, endpoint: string | undefined): S3Client {
  const config: S3ClientConfig = {
    // Other servers, and signed URLs that a plain HTTP client uses, know nothing of the SDK's default CRC32.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  };
  // Servers other than AWS take any region; for AWS the SDK finds it in its usual places.
  if (endpoint) Object.assign(config, { endpoint, forcePathStyle: true, region: "us-east-1" });
  if (options.region) config.region = options.region;
  if (options.credentials) config.credentials = options.credentials;
  return new S3Client(config);
}

function md5Of(metadata: Record<string, string> | undefined, etag: string | undefined): Uint8Array | undefined {
  const kept = metadata?.flytecontentmd5;
  if (kept) return Buffer.from(kept, "base64");
  const hex = /^"?([0-9a-f]{32})"?$/.exec(etag ?? "")?.[1];
  return hex ? Buffer.from(hex, "hex") : undefined;
}

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
import type { Bucket } from "../bucket.ts";
import type { SignedUpload, UploadRequest } from "../storage.ts";
import { s3Credentials } from "./credentials.ts";
import { s3Problem } from "./errors.ts";
import { putStream } from "./multipart.ts";
import type { S3Options } from "./options.ts";

/** The header that Flyte's clients send when the MD5 is to be kept as metadata. */
const MD5_METADATA_HEADER = "x-amz-meta-flytecontentmd5";

/** A bucket of S3, or of a server that speaks its protocol. */
export class S3Bucket implements Bucket {
  readonly problemOf = s3Problem;
  readonly #bucket: string;
  readonly #client: S3Client;
  readonly #signingClient: S3Client;

  constructor(bucket: string, options: S3Options) {
    this.#bucket = bucket;
    this.#client = openClient(options, options.endpoint);
    this.#signingClient = openClient(options, options.publicEndpoint ?? options.endpoint);
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: body }));
  }

  async putStream(key: string, body: Readable): Promise<void> {
    await putStream(this.#client, this.#at(key), body);
  }

  async open(key: string) {
    const { Body, ContentLength = 0 } = await this.#client.send(new GetObjectCommand(this.#at(key)));
    return { sizeBytes: ContentLength, body: Body instanceof Readable ? Body : Readable.from([]) };
  }

  async getRange(key: string, start: number, end: number): Promise<Uint8Array> {
    const Range = `bytes=${start}-${end}`;
    const { Body } = await this.#client.send(new GetObjectCommand({ ...this.#at(key), Range }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  }

  async head(key: string) {
    const { Metadata, ETag, ContentLength = 0 } = await this.#client.send(new HeadObjectCommand(this.#at(key)));
    const md5 = md5Of(Metadata, ETag);
    return { sizeBytes: ContentLength, ...(md5 && { md5 }) };
  }

  async *list(prefix: string) {
    let token: string | undefined;
    do {
      const query = { Bucket: this.#bucket, Prefix: prefix, ...(token && { ContinuationToken: token }) };
      const page = await this.#client.send(new ListObjectsV2Command(query));
      for (const { Key = "", Size = 0 } of page.Contents ?? []) yield { key: Key, sizeBytes: Size };
      token = page.NextContinuationToken;
    } while (token);
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#at(key)));
  }

  async signUpload(key: string, request: UploadRequest): Promise<SignedUpload> {
    const md5 = request.contentMd5 && Buffer.from(request.contentMd5).toString("base64");
    const asMetadata = md5 !== undefined && request.md5AsMetadata === true;
    const command = new PutObjectCommand({
      ...this.#at(key),
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

  async signDownload(key: string, expiresInSeconds: number): Promise<string> {
    const command = new GetObjectCommand(this.#at(key));
    return await getSignedUrl(this.#signingClient, command, { expiresIn: expiresInSeconds });
  }

  close(): void {
    this.#client.destroy();
    this.#signingClient.destroy();
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: key };
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
  const credentials = s3Credentials(options);
  if (credentials) config.credentials = credentials;
  return new S3Client(config);
}

function md5Of(metadata: Record<string, string> | undefined, etag: string | undefined): Uint8Array | undefined {
  const kept = metadata?.flytecontentmd5;
  if (kept) return Buffer.from(kept, "base64");
  const hex = /^"?([0-9a-f]{32})"?$/.exec(etag ?? "")?.[1];
  return hex ? Buffer.from(hex, "hex") : undefined;
}

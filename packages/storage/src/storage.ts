import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { SkeinError } from "@skein/errors";

/** What a store knows about one object. */
export interface ObjectInfo {
  readonly uri: string;
  readonly sizeBytes: number;
  /** Raw 16 bytes; only from `head` with `md5`, and missing where the store cannot tell (an S3 multipart upload). */
  readonly md5?: Uint8Array;
}

export interface UploadRequest {
  readonly uri: string;
  /** Raw 16 bytes: the store refuses any other content. Azure does only where the PUT says Content-MD5, as Flyte's clients do. */
  readonly contentMd5?: Uint8Array;
  /** Enforced by file storage and GCS; a PUT to S3 or Azure knows no upper bound but the store's own 5 GiB. */
  readonly contentLengthMax: number;
  readonly expiresInSeconds: number;
  /** Also stores the MD5 as object metadata, which the client then has to send as a header (Flyte's `add_content_md5_metadata`). */
  readonly md5AsMetadata?: boolean;
}

/** A PUT that anybody who holds the URL may make until it expires. */
export interface SignedUpload {
  readonly url: string;
  /** To be sent with the PUT, beside Content-MD5 when `contentMd5` was given. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One root in one object store. Every URI it takes or gives is an unescaped `file://`, `s3://`, `gs://` or `abfs://` URI below
 * `rootUri`; anything else is refused as invalid_argument, so that no caller can reach outside.
 */
export interface Storage {
  /** Without a trailing slash. */
  readonly rootUri: string;
  /** The URI of `segments` (each may hold slashes) below the root. */
  join(...segments: string[]): string;
  /** Atomic: a reader sees the old object or the whole new one, never a part. */
  put(uri: string, body: Uint8Array | Readable): Promise<void>;
  /** The whole object; not_found when there is none, resource_exhausted when it is larger than `bytesMax`. */
  get(uri: string, options?: { readonly bytesMax?: number }): Promise<Uint8Array>;
  /** The object as a stream that the caller must read to its end or destroy; not_found when there is none. */
  getStream(uri: string): Promise<Readable>;
  /** At most `lengthMax` bytes from `start` on; empty behind the end, not_found when there is no such object. */
  getRange(uri: string, start: number, lengthMax: number): Promise<Uint8Array>;
  /** `md5` may cost a read of the whole object. */
  head(uri: string, options?: { readonly md5?: boolean }): Promise<ObjectInfo | undefined>;
  /** Every object below `prefixUri` taken as a folder, in no particular order. */
  list(prefixUri: string): AsyncIterable<ObjectInfo>;
  /** Removes an object; nothing happens when there is none. */
  remove(uri: string): Promise<void>;
  signUpload(request: UploadRequest): Promise<SignedUpload>;
  signDownload(uri: string, expiresInSeconds: number): Promise<string>;
  /**
   * Serves the URLs that this store signed, for stores without a server of their own (`file://`). The api mounts it at
   * `SIGNED_URL_PATH`. It reads the request's body itself and always answers; `publish` says what of an error the client may
   * see, and has the chance to log it.
   */
  readonly serveSigned:
    | ((request: IncomingMessage, response: ServerResponse, publish: (error: unknown) => SkeinError) => Promise<void>)
    | undefined;
  close(): void;
}

/** Where the api mounts `serveSigned`; signed URLs of file storage are `<public URL><this><token>/<file name>`. */
export const SIGNED_URL_PATH = "/uploads/";

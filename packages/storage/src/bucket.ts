import type { Readable } from "node:stream";
import type { ObjectInfo, SignedUpload, UploadRequest } from "./storage.ts";

/**
 * What an SDK's error says, whatever its words: no such object, a range behind the object's end, no right to do that,
 * a request that cannot be right (bucket, region, credentials), or a store that does not answer.
 */
export type StoreProblem = "missing" | "behindEnd" | "forbidden" | "refused" | "outage";

/** What each kind of object store does in its own way, by key. Errors are its SDK's own; `problemOf` knows them. */
export interface Bucket {
  put(key: string, body: Uint8Array): Promise<void>;
  putStream(key: string, body: Readable): Promise<void>;
  /** The object's size and its content, which the caller reads to its end or destroys. */
  open(key: string): Promise<{ readonly sizeBytes: number; readonly body: Readable }>;
  /** The bytes from `start` to `end`, both counted. */
  getRange(key: string, start: number, end: number): Promise<Uint8Array>;
  head(key: string): Promise<Omit<ObjectInfo, "uri">>;
  /** Everything whose key starts with `prefix`, which is empty or ends with a slash. */
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly sizeBytes: number }>;
  /** May reject as `missing`. */
  remove(key: string): Promise<void>;
  signUpload(key: string, request: UploadRequest): Promise<SignedUpload>;
  signDownload(key: string, expiresInSeconds: number): Promise<string>;
  problemOf(error: unknown): StoreProblem;
  close(): void;
}

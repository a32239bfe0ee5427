import { isAbsolute, normalize } from "node:path";
import { SkeinError } from "@skein/errors";
import { openLocalStorage, type Signing } from "./local.ts";
import type { S3Options } from "./s3.ts";
import type { Storage } from "./storage.ts";

export interface StorageOptions {
  /** `file:///folder` or `s3://bucket/prefix`. */
  readonly uri: string;
  readonly s3?: S3Options;
  /** Needed by the process that hands out signed URLs of file storage, and only there. */
  readonly signing?: Signing;
}

/** Opens the store that `uri` names; invalid_argument with an example when it names none. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const rootUri = options.uri.replace(/\/+$/, "");
  if (rootUri.startsWith("file://")) {
    const folder = rootUri.slice("file://".length);
    if (!isAbsolute(folder) || folder !== normalize(folder)) {
      throw unsupported(options.uri, "a file:// URI needs a plain absolute path");
    }
    return await openLocalStorage(rootUri, options.signing);
  }
  if (/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^/]+)*$/.test(rootUri)) {
    // The AWS SDK takes 30 MiB of memory, which file storage need not pay.
    const { openS3Storage } = await import("./s3.ts");
    return openS3Storage(rootUri, options.s3 ?? {});
  }
  throw unsupported(options.uri, "it is neither file:///folder nor s3://bucket/prefix");
}

const unsupported = (uri: string, why: string): SkeinError =>
  new SkeinError(
    "invalid_argument",
    "storage_uri_invalid",
    `Storage URI ${JSON.stringify(uri)} cannot be used: ${why}. Examples: file:///var/lib/skein/storage, s3://my-bucket/skein.`,
  );

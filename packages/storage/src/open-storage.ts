import { isAbsolute, normalize } from "node:path";
import { SkeinError } from "@skein/errors";
import type { AzureOptions } from "./azure/options.ts";
import type { Bucket } from "./bucket.ts";
import { BucketStorage } from "./bucket-storage.ts";
import type { GcsOptions } from "./gcs/options.ts";
import { openLocalStorage, type Signing } from "./local.ts";
import type { S3Options } from "./s3/options.ts";
import type { Storage } from "./storage.ts";

export interface StorageOptions {
  /** `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix` or `abfs://container@account.dfs.core.windows.net/prefix`. */
  readonly uri: string;
  readonly s3?: S3Options;
  readonly gcs?: GcsOptions;
  readonly azure?: AzureOptions;
  /** Needed by the process that hands out signed URLs of file storage, and only there. */
  readonly signing?: Signing;
}

const FOLDERS = "(?:/[^/]+)*$";
const S3_URI = new RegExp(`^s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])${FOLDERS}`);
const GCS_URI = new RegExp(`^gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])${FOLDERS}`);
const AZURE_URI = new RegExp(
  `^abfss?://([a-z0-9][a-z0-9-]{1,61}[a-z0-9](?:@[a-z0-9]{3,24}\\.dfs\\.[a-z0-9.]+)?)${FOLDERS}`,
);

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
  const bucket = await openBucket(rootUri, options);
  if (!bucket) throw unsupported(options.uri, "it names no folder, bucket or container");
  return new BucketStorage(rootUri, bucket);
}

/** Each SDK takes tens of MiB of memory, which only its users need to pay. */
async function openBucket(rootUri: string, { s3, gcs, azure }: StorageOptions): Promise<Bucket | undefined> {
  const [, s3Name] = S3_URI.exec(rootUri) ?? [];
  if (s3Name !== undefined) {
    const { S3Bucket } = await import("./s3/bucket.ts");
    return new S3Bucket(s3Name, s3 ?? {});
  }
  const [, gcsName] = GCS_URI.exec(rootUri) ?? [];
  if (gcsName !== undefined) {
    const { GcsBucket } = await import("./gcs/bucket.ts");
    return new GcsBucket(gcsName, gcs ?? {});
  }
  const [, azureName] = AZURE_URI.exec(rootUri) ?? [];
  if (azureName !== undefined) {
    const { AzureBucket } = await import("./azure/bucket.ts");
    return new AzureBucket(azureName, azure ?? {});
  }
  return undefined;
}

const unsupported = (uri: string, why: string): SkeinError =>
  new SkeinError(
    "invalid_argument",
    "storage_uri_invalid",
    `Storage URI ${JSON.stringify(uri)} cannot be used: ${why}. Examples: file:///var/lib/skein/storage, s3://my-bucket/skein, gs://my-bucket/skein, abfs://my-container@myaccount.dfs.core.windows.net/skein.`,
  );

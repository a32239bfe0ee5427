export { type AttemptPlace, attemptOutputPrefix } from "./attempt-output-prefix.ts";
export type { Signing } from "./local.ts";
export { openStorage, type StorageOptions } from "./open-storage.ts";
export type { S3Options } from "./s3.ts";
export { type ObjectInfo, SIGNED_URL_PATH, type SignedUpload, type Storage, type UploadRequest } from "./storage.ts";

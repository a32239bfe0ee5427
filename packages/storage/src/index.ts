export { type AttemptPlace, attemptOutputPrefix } from "./attempt-output-prefix.ts";
export { azureLocation } from "./azure/location.ts";
export type { AzureOptions } from "./azure/options.ts";
export type { GcsOptions } from "./gcs/options.ts";
export type { Signing } from "./local.ts";
export { openStorage, type StorageOptions } from "./open-storage.ts";
export type { AssumedRole, S3Keys, S3Options } from "./s3/options.ts";
export { type ObjectInfo, SIGNED_URL_PATH, type SignedUpload, type Storage, type UploadRequest } from "./storage.ts";
export { type StoreConfig, storeOptions } from "./store-options.ts";

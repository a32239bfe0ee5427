import {
  BlobSASPermissions,
  type BlobServiceClient,
  generateBlobSASQueryParameters,
  type StorageSharedKeyCredential,
  type UserDelegationKey,
} from "@azure/storage-blob";
import type { AzureLocation } from "./location.ts";

/** How long a delegation key is asked for, and how much of that must be left to use it again. */
const KEY_MS = 6 * 3_600_000;
const KEY_LEFT_MS = 2 * 3_600_000;
/** Clocks differ: a URL holds from a little earlier on. */
const SKEW_MS = 5 * 60_000;

/** Makes the query of a signed URL: with the account's key, or with a key that the account lends to our identity. */
export class AzureSigner {
  readonly #service: BlobServiceClient;
  readonly #location: AzureLocation;
  readonly #accountKey: StorageSharedKeyCredential | undefined;
  #lent: { readonly key: UserDelegationKey; readonly endsAtMs: number } | undefined;

  constructor(service: BlobServiceClient, location: AzureLocation, accountKey: StorageSharedKeyCredential | undefined) {
    this.#service = service;
    this.#location = location;
    this.#accountKey = accountKey;
  }

  /** `permissions` in Azure's letters: r reads, c creates, w writes. */
  async query(blobName: string, permissions: string, expiresInSeconds: number): Promise<string> {
    const nowMs = Date.now();
    const values = {
      containerName: this.#location.container,
      blobName,
      permissions: BlobSASPermissions.parse(permissions),
      startsOn: new Date(nowMs - SKEW_MS),
      expiresOn: new Date(nowMs + expiresInSeconds * 1000),
    };
    const signed = this.#accountKey
      ? generateBlobSASQueryParameters(values, this.#accountKey)
      : generateBlobSASQueryParameters(values, await this.#lentKey(nowMs), this.#location.account);
    return signed.toString();
  }

  async #lentKey(nowMs: number): Promise<UserDelegationKey> {
    if (this.#lent && this.#lent.endsAtMs - nowMs > KEY_LEFT_MS) return this.#lent.key;
    const endsAtMs = nowMs + KEY_MS;
    const key = await this.#service.getUserDelegationKey(new Date(nowMs - SKEW_MS), new Date(endsAtMs));
    this.#lent = { key, endsAtMs };
    return key;
  }
}

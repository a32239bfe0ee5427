/** How to reach Azure Blob Storage. */
export interface AzureOptions {
  /** The storage account, where the root's URI does not name it. */
  readonly account?: string;
  /** The account's key. Without it Azure's usual sources count: variables, workload identity, managed identity. */
  readonly accountKey?: string;
  /** A shared access signature in place of a key or an identity; with it no URLs can be signed. */
  readonly sasToken?: string;
  /** The account's blob service where it is not `https://<account>.blob.core.windows.net`: an emulator, another cloud. */
  readonly endpoint?: string;
  /** The same as clients outside reach it; signed URLs carry it. */
  readonly publicEndpoint?: string;
}

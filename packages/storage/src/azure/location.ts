import { SkeinError } from "@skein/errors";
import type { AzureOptions } from "./options.ts";

/** Where a container is. */
export interface AzureLocation {
  readonly account: string;
  readonly container: string;
  /** Of the account's blob service, without a trailing slash. */
  readonly endpoint: string;
}

/**
 * Reads the authority of an `abfs://` URI: `container@account.dfs.core.windows.net`, or `container` alone as flytekit
 * has it, where the options must name the account.
 */
export function azureLocation(authority: string, options: AzureOptions): AzureLocation {
  const [container = "", host] = authority.split("@");
  const account = host?.split(".")[0] ?? options.account;
  if (account === undefined) {
    throw new SkeinError(
      "invalid_argument",
      "storage_account_missing",
      `abfs://${authority} names no storage account: set SKEIN_AZURE_ACCOUNT, or use abfs://${container}@account.dfs.core.windows.net.`,
    );
  }
  const service = host?.replace(".dfs.", ".blob.") ?? `${account}.blob.core.windows.net`;
  return { account, container, endpoint: (options.endpoint ?? `https://${service}`).replace(/\/+$/, "") };
}

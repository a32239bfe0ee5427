import { RestError } from "@azure/storage-blob";
import type { StoreProblem } from "../bucket.ts";

const MISSING = new Set(["BlobNotFound", "PathNotFound", "ResourceNotFound"]);
/** Refusals that are about who asks, not about what may be done. */
const WRONG_CREDENTIALS = new Set(["AuthenticationFailed", "InvalidAuthenticationInfo"]);

/** What an error of Azure's SDK says. */
export function azureProblem(error: unknown): StoreProblem {
  if (!(error instanceof RestError)) return isIdentityError(error) ? "refused" : "outage";
  const { statusCode: status, code = "" } = error;
  if (status === 404) return code === "" || MISSING.has(code) ? "missing" : "refused";
  if (status === 416) return "behindEnd";
  if (status === 403) return WRONG_CREDENTIALS.has(code) ? "refused" : "forbidden";
  return status !== undefined && status < 500 && status !== 408 && status !== 429 ? "refused" : "outage";
}

/** No identity is configured, or none of those that are gives a token. */
const isIdentityError = (error: unknown): boolean =>
  error instanceof Error &&
  /^(CredentialUnavailableError|AuthenticationError|AggregateAuthenticationError)$/.test(error.name);

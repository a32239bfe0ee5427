import { S3ServiceException } from "@aws-sdk/client-s3";
import type { StoreProblem } from "../bucket.ts";

/** Refusals that are about who asks, not about what may be done. */
const WRONG_CREDENTIALS = new Set([
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "RequestTimeTooSkewed",
  "InvalidToken",
  "ExpiredToken",
]);

/** What an error of the S3 SDK says. A HEAD has no body to name a reason, so its status must do. */
export function s3Problem(error: unknown): StoreProblem {
  if (error instanceof Error && error.name === "CredentialsProviderError") return "refused";
  if (!(error instanceof S3ServiceException)) return "outage";
  if (error.name === "NoSuchKey" || error.name === "NotFound") return "missing";
  const status = error.$metadata.httpStatusCode;
  if (status === 416) return "behindEnd";
  if (status === 403) return WRONG_CREDENTIALS.has(error.name) ? "refused" : "forbidden";
  return status !== undefined && status < 500 && status !== 429 ? "refused" : "outage";
}

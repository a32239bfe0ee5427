import { S3ServiceException } from "@aws-sdk/client-s3";
import { SkeinError } from "@skein/errors";

/** Whether S3 says that the object (not the bucket) is not there; a HEAD has no body to name a reason. */
export const isMissing = (error: unknown): boolean =>
  error instanceof S3ServiceException && (error.name === "NoSuchKey" || error.name === "NotFound");

/** S3's and the network's errors in our words: worth another try, or to be set right by whoever runs Skein. */
export function translateS3Error(uri: string, error: unknown): unknown {
  if (error instanceof SkeinError) return error;
  if (!(error instanceof Error)) return error;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const said = `${error.name}: ${error.message}`;
  if (status !== undefined && status < 500 && status !== 429) {
    const advice = "Check the bucket's name, the region and the credentials.";
    return new SkeinError(
      "failed_precondition",
      "storage_refused",
      `The object store refused ${uri} (${said}). ${advice}`,
      {
        cause: error,
      },
    );
  }
  return new SkeinError("unavailable", "storage_unavailable", `The object store did not answer for ${uri} (${said}).`, {
    cause: error,
  });
}

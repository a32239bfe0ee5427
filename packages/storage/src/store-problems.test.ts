import { S3ServiceException } from "@aws-sdk/client-s3";
import { RestError } from "@azure/storage-blob";
import { describe, expect, test } from "vitest";
import { azureProblem } from "./azure/errors.ts";
import { gcsProblem } from "./gcs/errors.ts";
import { s3Problem } from "./s3/errors.ts";

const s3 = (name: string, httpStatusCode?: number) =>
  s3Problem(
    new S3ServiceException({
      name,
      $fault: "client",
      $metadata: httpStatusCode === undefined ? {} : { httpStatusCode },
    }),
  );
const gcs = (code: number | string, message = "no") => gcsProblem(Object.assign(new Error(message), { code }));
const azure = (code: string, statusCode?: number) =>
  azureProblem(new RestError("no", { code, ...(statusCode !== undefined && { statusCode }) }));

describe("what stores say", () => {
  test("of S3: an object, a right, a mistake and an outage are told apart", () => {
    expect([s3("NoSuchKey", 404), s3("NotFound", 404)]).toEqual(["missing", "missing"]);
    expect([s3("NoSuchBucket", 404), s3("PermanentRedirect", 301), s3("InvalidAccessKeyId", 403)]).toEqual(
      Array(3).fill("refused"),
    );
    expect([s3("AccessDenied", 403), s3("Unknown", 403)]).toEqual(["forbidden", "forbidden"]);
    expect(s3("InvalidRange", 416)).toBe("behindEnd");
    expect([s3("SlowDown", 503), s3("TooManyRequests", 429), s3("TimeoutError")]).toEqual(Array(3).fill("outage"));
    expect(s3Problem(Object.assign(new Error("none"), { name: "CredentialsProviderError" }))).toBe("refused");
  });

  test("of Google: the same", () => {
    expect([gcs(404), gcs(404, "The specified bucket does not exist.")]).toEqual(["missing", "refused"]);
    expect([gcs(403), gcs(401), gcs(416)]).toEqual(["forbidden", "refused", "behindEnd"]);
    expect([gcs(503), gcs(429), gcs("ECONNRESET")]).toEqual(Array(3).fill("outage"));
    expect(gcsProblem(new Error("Could not load the default credentials."))).toBe("refused");
  });

  test("of Azure: the same", () => {
    expect([azure("BlobNotFound", 404), azure("ContainerNotFound", 404)]).toEqual(["missing", "refused"]);
    expect([azure("AuthorizationPermissionMismatch", 403), azure("AuthenticationFailed", 403)]).toEqual([
      "forbidden",
      "refused",
    ]);
    expect([azure("InvalidRange", 416), azure("ServerBusy", 503), azure("REQUEST_SEND_ERROR")]).toEqual([
      "behindEnd",
      "outage",
      "outage",
    ]);
    expect(azureProblem(Object.assign(new Error("none"), { name: "CredentialUnavailableError" }))).toBe("refused");
  });
});

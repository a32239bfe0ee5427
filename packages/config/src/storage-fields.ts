import { z } from "zod";

const httpUrl = () => z.url({ protocol: /^https?$/, error: "must be an http or https URL" });

/** How to reach the object store; the same for every process. */
export const storageFields = {
  storage: z
    .string()
    .regex(
      /^(file:\/\/\/|s3:\/\/|gs:\/\/|abfss?:\/\/)./,
      "must be file:///folder, s3://bucket/prefix, gs://bucket/prefix or abfs://container@account.dfs.core.windows.net/prefix",
    )
    .describe("Where inputs, outputs, code and decks are kept")
    .meta({ example: "s3://my-bucket/skein" }),
  s3Endpoint: httpUrl().optional().describe("S3 server other than AWS").meta({ example: "http://minio:9000" }),
  s3Region: z
    .string()
    .optional()
    .describe("Region of the bucket; without it AWS_REGION counts")
    .meta({ example: "eu-central-1" }),
  s3RoleArn: roleArn()
    .optional()
    .describe("A role to take on before going to S3, say in the account that owns the bucket")
    .meta({ example: "arn:aws:iam::123456789012:role/skein-storage" }),
  s3ExternalId: z.string().min(2).max(1224).optional().describe("What that role asks for besides"),
  awsAccessKeyId: z.string().optional().describe("S3 access key; without it the usual AWS sources count"),
  awsSecretAccessKey: z.string().optional().describe("S3 secret key"),
  awsSessionToken: z.string().optional().describe("S3 session token"),
  gcsEndpoint: httpUrl()
    .optional()
    .describe("An emulator of Google Cloud Storage; it is asked without credentials")
    .meta({ example: "http://fake-gcs:4443" }),
  azureAccount: z
    .string()
    .regex(/^[a-z0-9]{3,24}$/, "must be 3 to 24 of a-z and 0-9")
    .optional()
    .describe("Azure's storage account, where the URI of the storage does not name it")
    .meta({ example: "mystorageaccount" }),
  azureAccountKey: z
    .string()
    .optional()
    .describe("The account's key; without it Azure's usual sources count, such as workload or managed identity"),
  azureEndpoint: httpUrl()
    .optional()
    .describe("The account's blob service where it is not https://<account>.blob.core.windows.net")
    .meta({ example: "http://azurite:10000/devstoreaccount1" }),
};

/** The name of a role of AWS, in any of its partitions. */
export function roleArn() {
  const shape = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/;
  return z.string().regex(shape, "must be a role's ARN, arn:aws:iam::<account>:role/<name>");
}

/** URIs of folders in object stores, separated by commas, each without a trailing slash. */
export const prefixList = () =>
  z
    .string()
    .transform((text) =>
      text
        .split(",")
        .map((uri) => uri.trim().replace(/\/+$/, ""))
        .filter((uri) => uri !== ""),
    )
    .pipe(
      z.array(
        z
          .string()
          .regex(/^(s3|gs|abfss?|file):\/\/[^*?]+$/, "must be URIs such as s3://bucket/folder, separated by commas"),
      ),
    );

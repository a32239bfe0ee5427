import {
  env,
  flag,
  portNumber,
  prefixList,
  readBy,
  roleArn,
  sharedFields,
  storageFields,
  taskResourceFields,
  wholeNumber,
} from "@skein/config";
import { readAmounts } from "@skein/launch";
import { DEFAULT_AWS_NAMES, readAwsNames, readSourceSpecs } from "@skein/secrets";
import { z } from "zod";

const idList = (text: string): string[] => text.split(",").map((part) => part.trim());
const ids = () =>
  z
    .string()
    .regex(/^ *[a-z0-9-]{1,63} *(, *[a-z0-9-]{1,63} *)*$/, "must be ids of a-z, 0-9 and -, separated by commas")
    .transform(idList);
const url = (what: string) => z.url({ protocol: /^https?$/, error: `must be ${what}` });

/** The api's variables. `skein dev` and the image's entry point fill in what a person need not set. */
export const ApiConfig = z.object({
  host: z.string().min(1).default("127.0.0.1").describe("Address to listen on").meta({ example: "0.0.0.0" }),
  port: portNumber()
    .default(8088)
    .describe("Port for gRPC, REST, tRPC and the console alike")
    .meta({ example: "8088" }),
  grpcPort: z
    .union([z.literal("off"), portNumber()])
    .default(8089)
    .describe("A second port with the same services, where Flyte's clients look for gRPC; `off` for none")
    .meta({ example: "8089" }),
  tlsCertFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "PEM file of the certificate and its chain: every port then speaks TLS. A renewed file is taken up within ten seconds",
    )
    .meta({ example: "/etc/skein/tls/tls.crt" }),
  tlsKeyFile: z
    .string()
    .min(1)
    .optional()
    .describe("PEM file of the certificate's private key")
    .meta({ example: "/etc/skein/tls/tls.key" }),
  publicUrl: url("an http or https URL")
    .optional()
    .describe("How clients reach this server; in printed links and signed URLs")
    .meta({ example: "https://skein.example.com" }),
  databaseUrl: sharedFields.databaseUrl,
  databaseConnectionsMax: wholeNumber(1, 200).default(10).describe("Most connections to Postgres from this process"),
  ...storageFields,
  s3PublicEndpoint: url("an http or https URL").optional().describe("SKEIN_S3_ENDPOINT as clients reach it"),
  gcsPublicEndpoint: url("an http or https URL").optional().describe("SKEIN_GCS_ENDPOINT as clients reach it"),
  azurePublicEndpoint: url("an http or https URL").optional().describe("SKEIN_AZURE_ENDPOINT as clients reach it"),
  rawOutputPrefixes: prefixList()
    .default([])
    .describe("Where a run may write raw outputs besides the storage: URIs of folders, separated by commas")
    .meta({ example: "s3://team-data/skein,s3://archive" }),
  taskRoleArn: roleArn()
    .optional()
    .describe(
      "A role of AWS that the server takes on for each attempt, narrowed to what the attempt may read and write; its tasks get those credentials and no others",
    )
    .meta({ example: "arn:aws:iam::123456789012:role/skein-tasks" }),
  taskRoleSeconds: wholeNumber(900, 43_200)
    .default(3_600)
    .describe("How long a task's credentials last at most; no longer than the role's own limit"),
  taskReadablePrefixes: prefixList()
    .default([])
    .describe("What tasks with such credentials may read besides their project's data")
    .meta({ example: "s3://datasets" }),
  secretKey: sharedFields.secretKey,
  secretsKeys: z
    .string()
    .optional()
    .describe(
      "Master keys that encrypt the secrets people keep here, as id:base64 of 32 random bytes, separated by commas; the first one encrypts new values",
    )
    .meta({ example: "2026:<the output of: openssl rand -base64 32>" }),
  secretsKeyFile: z
    .string()
    .startsWith("/", "must be an absolute path")
    .optional()
    .describe("A file with such master keys, one a line")
    .meta({ example: "/etc/skein/secrets-keys" }),
  secretsKmsKey: z
    .string()
    .min(1)
    .optional()
    .describe("A key of AWS KMS instead (id, ARN or alias): it then encrypts new values")
    .meta({ example: "alias/skein-secrets" }),
  secretsSources: readBy(readSourceSpecs)
    .prefault("postgres")
    .describe(
      "Where the secrets are that tasks ask for, in the order of the search: postgres (what people keep here), aws (Secrets Manager), files:/folder ([<project>/[<domain>/]]<group>/<key>), env:PREFIX_ ([<PROJECT>__[<DOMAIN>__]]<GROUP>__<KEY>)",
    )
    .meta({ example: "postgres,files:/etc/skein/secrets" }),
  secretsAwsNames: readBy(readAwsNames)
    .prefault(DEFAULT_AWS_NAMES)
    .describe(
      "Names in AWS Secrets Manager, the first that exists counts; one without {key} is a JSON object with the key in it. A name without {project} is every project's",
    ),
  logLevel: sharedFields.logLevel,
  authIssuer: url("the provider's issuer URL")
    .optional()
    .describe("Identity provider whose bearer tokens people bring; without it callers are anonymous")
    .meta({ example: "https://login.example.com" }),
  authAudience: z.string().min(1).optional().describe("The `aud` of those tokens").meta({ example: "skein" }),
  authJwksUrl: url("an http or https URL")
    .optional()
    .describe("The provider's public keys; by default found through its openid-configuration"),
  allowAnonymous: flag()
    .default(false)
    .describe("Serve anonymous callers on an address that others can reach. Everybody may do everything")
    .meta({ example: "true" }),
  maxParallelism: sharedFields.maxParallelism,
  ...taskResourceFields(readAmounts),
  messageBytesMax: wholeNumber(1_024, 1_073_741_824)
    .default(32 * 1024 * 1024)
    .describe("Largest request in bytes, uploads excepted"),
  projects: ids().default(["flytesnacks"]).describe("Projects made at the first start"),
  domains: ids().default(["development", "staging", "production"]).describe("Domains of every project"),
});
export type ApiConfig = z.output<typeof ApiConfig>;

export const readConfig = env(ApiConfig);

import { azureLocation } from "@skein/storage";
import type { AgentConfig } from "./config.ts";
import type { AzureAccess, GcsAccess, S3Access, StoreAccess } from "./task/store-environment.ts";

/** What the configuration says of how tasks reach the object store; undefined for file storage. */
export function taskStoreAccess(config: AgentConfig): StoreAccess | undefined {
  if (config.storage.startsWith("s3://")) return s3Access(config);
  if (config.storage.startsWith("gs://")) return gcsAccess(config);
  return /^abfss?:\/\//.test(config.storage) ? azureAccess(config) : undefined;
}

/** Undefined unless tasks would reach S3 without credentials. A role of the machine may be what is meant, so it is no error. */
export function credentialsProblem(config: AgentConfig): string | undefined {
  if (!config.storage.startsWith("s3://") || s3Access(config).accessKeyId !== undefined) return undefined;
  return "Tasks get no S3 credentials from here: unless the server scopes some (SKEIN_TASK_ROLE_ARN) or their machine has a role, set SKEIN_TASK_AWS_ACCESS_KEY_ID and SKEIN_TASK_AWS_SECRET_ACCESS_KEY, or SKEIN_TASK_CREDENTIALS=inherit to give them the agent's";
}

function s3Access(config: AgentConfig): S3Access {
  const place = { kind: "s3", endpoint: config.s3Endpoint, region: config.s3Region } as const;
  if (config.taskCredentials === "inherit") {
    return {
      ...place,
      accessKeyId: config.awsAccessKeyId,
      secretAccessKey: config.awsSecretAccessKey,
      sessionToken: config.awsSessionToken,
    };
  }
  return {
    ...place,
    accessKeyId: config.taskAwsAccessKeyId,
    secretAccessKey: config.taskAwsSecretAccessKey,
    sessionToken: config.taskAwsSessionToken,
  };
}

/** The agent's own key is a file on its machine, which tasks do not see: they get one of theirs, or use who they are. */
const gcsAccess = (config: AgentConfig): GcsAccess => ({
  kind: "gcs",
  endpoint: config.gcsEndpoint,
  keyFile: config.taskGoogleKeyFile,
});

function azureAccess(config: AgentConfig): AzureAccess {
  const authority = config.storage.replace(/^abfss?:\/\//, "").split("/")[0] ?? "";
  const options = config.azureAccount === undefined ? {} : { account: config.azureAccount };
  const place = { kind: "azure", endpoint: config.azureEndpoint } as const;
  const { account } = azureLocation(authority, options);
  if (config.taskCredentials === "inherit") return { ...place, account, accountKey: config.azureAccountKey };
  return { ...place, account, accountKey: config.taskAzureAccountKey, sasToken: config.taskAzureSasToken };
}

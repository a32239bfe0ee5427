import { type Environment, env } from "@skein/config";
import { openStores, type Stores } from "@skein/copilot";
import { openStorage, type StorageOptions } from "@skein/storage";
import { z } from "zod";

const text = () => z.string().optional();

const CopilotConfig = z.object({
  storage: text(),
  s3Endpoint: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).optional(),
  s3Region: text(),
  s3RoleArn: text(),
  s3ExternalId: text(),
  accessKeyId: text(),
  secretAccessKey: text(),
  sessionToken: text(),
  gcsEndpoint: text(),
  azureAccount: text(),
  azureKey: text(),
  azureSasToken: text(),
  azureEndpoint: text(),
});

/** Where each field comes from, best first: what the launcher sets, what tasks get for flytekit, what the stores' own tools know. */
const SOURCES: Readonly<Record<keyof z.input<typeof CopilotConfig>, readonly string[]>> = {
  storage: ["SKEIN_STORAGE"],
  s3Endpoint: ["SKEIN_S3_ENDPOINT", "FLYTE_AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
  s3Region: ["SKEIN_S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"],
  s3RoleArn: ["SKEIN_S3_ROLE_ARN"],
  s3ExternalId: ["SKEIN_S3_EXTERNAL_ID"],
  accessKeyId: ["AWS_ACCESS_KEY_ID", "FLYTE_AWS_ACCESS_KEY_ID"],
  secretAccessKey: ["AWS_SECRET_ACCESS_KEY", "FLYTE_AWS_SECRET_ACCESS_KEY"],
  sessionToken: ["AWS_SESSION_TOKEN"],
  gcsEndpoint: ["SKEIN_GCS_ENDPOINT", "STORAGE_EMULATOR_HOST"],
  azureAccount: ["SKEIN_AZURE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"],
  azureKey: ["SKEIN_AZURE_ACCOUNT_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY"],
  azureSasToken: ["AZURE_STORAGE_SAS_TOKEN"],
  azureEndpoint: ["SKEIN_AZURE_ENDPOINT"],
};

/** All stores that the environment gives access to, each opened when a URI names it first. */
export async function openStoresOf(environment: Environment): Promise<Stores> {
  const { storage, ...access } = readConfig(environment);
  const options = storageOptions(access);
  const own = storage === undefined ? undefined : await openStorage({ ...options, uri: storage });
  return openStores(own, { open: (uri) => openStorage({ ...options, uri }), readsWeb: true });
}

/** Of the environment only what is named above: a cluster puts in variables of its own. */
function readConfig(environment: Environment): z.output<typeof CopilotConfig> {
  const names: Record<string, string> = {};
  const chosen: Record<string, string> = {};
  for (const [field, variables] of Object.entries(SOURCES)) {
    const name = variables.find((variable) => environment[variable]) ?? variables[0] ?? field;
    names[field] = name;
    const value = environment[name];
    if (value) chosen[name] = value;
  }
  return env(CopilotConfig, { names })(chosen);
}

function storageOptions(access: Omit<z.output<typeof CopilotConfig>, "storage">): Omit<StorageOptions, "uri"> {
  const { accessKeyId, secretAccessKey, sessionToken, s3RoleArn, s3ExternalId } = access;
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined;
  return {
    s3: {
      ...given({ endpoint: access.s3Endpoint, region: access.s3Region }),
      ...(hasKeys ? { credentials: { accessKeyId, secretAccessKey, ...given({ sessionToken }) } } : {}),
      ...(s3RoleArn === undefined ? {} : { role: { arn: s3RoleArn, ...given({ externalId: s3ExternalId }) } }),
    },
    gcs: given({ endpoint: access.gcsEndpoint }),
    azure: given({
      account: access.azureAccount,
      accountKey: access.azureKey,
      sasToken: access.azureSasToken,
      endpoint: access.azureEndpoint,
    }),
  };
}

type Given<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** Without the entries that have no value. */
const given = <T extends object>(entries: T): Given<T> =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Given<T>;

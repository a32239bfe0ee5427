import type { StoreCredentials } from "@skein/contracts";

/** What tasks may know of where and how to reach the object store. */
export type StoreAccess = S3Access | GcsAccess | AzureAccess;

export interface S3Access {
  readonly kind: "s3";
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
}

export interface GcsAccess {
  readonly kind: "gcs";
  /** An emulator. */
  readonly endpoint?: string | undefined;
  /** A service account's key, as the task finds it. */
  readonly keyFile?: string | undefined;
}

export interface AzureAccess {
  readonly kind: "azure";
  readonly account: string;
  /** The account's blob service, where it is not Azure's own. */
  readonly endpoint?: string | undefined;
  readonly accountKey?: string | undefined;
  /** A shared access signature, which may reach less than the account. */
  readonly sasToken?: string | undefined;
}

/** The store as one attempt reaches it: with the credentials that were made for it, where there are some. */
export function scopedTo(
  store: StoreAccess | undefined,
  credentials: StoreCredentials | null,
): StoreAccess | undefined {
  if (store?.kind !== "s3" || credentials === null) return store;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return { ...store, accessKeyId, secretAccessKey, sessionToken };
}

/** The variables of a task for its object store, in flytekit's words and in those of the stores' own libraries. */
export function storeEnvironment(store: StoreAccess | undefined): Record<string, string> {
  const entries = Object.entries(store ? variablesOf(store) : {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function variablesOf(store: StoreAccess): Record<string, string | undefined> {
  switch (store.kind) {
    case "s3":
      return s3Variables(store);
    case "gcs":
      return gcsVariables(store);
    case "azure":
      return azureVariables(store);
    default:
      return store satisfies never;
  }
}

function s3Variables(store: S3Access): Record<string, string | undefined> {
  // flytekit hands on these two but no session token, without which a session's key is wrong.
  const isSession = store.sessionToken !== undefined;
  return {
    FLYTE_AWS_ENDPOINT: store.endpoint,
    FLYTE_AWS_ACCESS_KEY_ID: isSession ? undefined : store.accessKeyId,
    FLYTE_AWS_SECRET_ACCESS_KEY: isSession ? undefined : store.secretAccessKey,
    AWS_ENDPOINT_URL_S3: store.endpoint,
    AWS_ACCESS_KEY_ID: store.accessKeyId,
    AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
    AWS_SESSION_TOKEN: store.sessionToken,
    AWS_REGION: store.region,
    AWS_DEFAULT_REGION: store.region,
  };
}

/** Without a key the libraries look where they are: a pod's or a machine's own identity. */
const gcsVariables = (store: GcsAccess): Record<string, string | undefined> => ({
  STORAGE_EMULATOR_HOST: store.endpoint,
  // Else gcsfs looks for credentials first, and waits for a metadata server that is not there.
  FSSPEC_GS_TOKEN: store.endpoint === undefined ? undefined : "anon",
  // And asks for the kind of bucket over a second protocol, which emulators do not speak.
  GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT: store.endpoint === undefined ? undefined : "false",
  GOOGLE_APPLICATION_CREDENTIALS: store.keyFile,
});

const azureVariables = (store: AzureAccess): Record<string, string | undefined> => ({
  FLYTE_AZURE_STORAGE_ACCOUNT_NAME: store.account,
  FLYTE_AZURE_STORAGE_ACCOUNT_KEY: store.accountKey,
  // adlfs sets metadata of its own and refuses flytekit's.
  FLYTE_PERSISTENCE_ATTACH_EXECUTION_METADATA: "false",
  AZURE_STORAGE_ACCOUNT_NAME: store.account,
  AZURE_STORAGE_ACCOUNT_KEY: store.accountKey,
  AZURE_STORAGE_SAS_TOKEN: store.sasToken,
  AZURE_STORAGE_CONNECTION_STRING: store.endpoint === undefined ? undefined : connectionString(store, store.endpoint),
});

/** The only words in which adlfs takes another endpoint. */
function connectionString({ account, accountKey, sasToken }: AzureAccess, endpoint: string): string {
  const fields = {
    DefaultEndpointsProtocol: new URL(endpoint).protocol.slice(0, -1),
    AccountName: account,
    ...(accountKey !== undefined && { AccountKey: accountKey }),
    ...(accountKey === undefined && sasToken !== undefined && { SharedAccessSignature: sasToken }),
    BlobEndpoint: endpoint,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value};`)
    .join("");
}

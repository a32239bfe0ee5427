import type { StorageOptions } from "./open-storage.ts";

/** What the configuration of every process says about the store: `storageFields` of @skein/config. */
export interface StoreConfig {
  readonly storage: string;
  readonly s3Endpoint?: string | undefined;
  readonly s3PublicEndpoint?: string | undefined;
  readonly s3Region?: string | undefined;
  readonly s3RoleArn?: string | undefined;
  readonly s3ExternalId?: string | undefined;
  readonly awsAccessKeyId?: string | undefined;
  readonly awsSecretAccessKey?: string | undefined;
  readonly awsSessionToken?: string | undefined;
  readonly gcsEndpoint?: string | undefined;
  readonly gcsPublicEndpoint?: string | undefined;
  readonly azureAccount?: string | undefined;
  readonly azureAccountKey?: string | undefined;
  readonly azureEndpoint?: string | undefined;
  readonly azurePublicEndpoint?: string | undefined;
}

/** The configured store's options. Whatever is not set is left to each SDK's own search. */
export function storeOptions(config: StoreConfig): StorageOptions {
  const { awsAccessKeyId: accessKeyId, awsSecretAccessKey: secretAccessKey, s3RoleArn: arn } = config;
  const keys =
    accessKeyId !== undefined && secretAccessKey !== undefined
      ? { accessKeyId, secretAccessKey, ...given({ sessionToken: config.awsSessionToken }) }
      : undefined;
  const role = arn === undefined ? undefined : { arn, ...given({ externalId: config.s3ExternalId }) };
  return {
    uri: config.storage,
    s3: given({
      endpoint: config.s3Endpoint,
      publicEndpoint: config.s3PublicEndpoint,
      region: config.s3Region,
      credentials: keys,
      role,
    }),
    gcs: given({ endpoint: config.gcsEndpoint, publicEndpoint: config.gcsPublicEndpoint }),
    azure: given({
      account: config.azureAccount,
      accountKey: config.azureAccountKey,
      endpoint: config.azureEndpoint,
      publicEndpoint: config.azurePublicEndpoint,
    }),
  };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that are set. */
const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;

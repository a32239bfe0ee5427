import { expect, test } from "vitest";
import { scopedTo, storeEnvironment } from "./store-environment.ts";

const KEYS = { accessKeyId: "id", secretAccessKey: "key" };

test("with file storage a task needs nothing", () => {
  expect(storeEnvironment(undefined)).toEqual({});
});

test("with S3 a task gets its credentials under both flytekit's names and the SDKs'", () => {
  expect(storeEnvironment({ kind: "s3", endpoint: "http://s3:9000", region: "eu-central-1", ...KEYS })).toEqual({
    FLYTE_AWS_ENDPOINT: "http://s3:9000",
    FLYTE_AWS_ACCESS_KEY_ID: "id",
    FLYTE_AWS_SECRET_ACCESS_KEY: "key",
    AWS_ENDPOINT_URL_S3: "http://s3:9000",
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "key",
    AWS_REGION: "eu-central-1",
    AWS_DEFAULT_REGION: "eu-central-1",
  });
});

test("a session's key is not given to flytekit by name, because flytekit would leave out its token", () => {
  expect(storeEnvironment({ kind: "s3", ...KEYS, sessionToken: "token" })).toEqual({
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "key",
    AWS_SESSION_TOKEN: "token",
  });
});

test("with Google Cloud Storage a task gets a key file's place, or the emulator's without any credentials", () => {
  expect(storeEnvironment({ kind: "gcs" })).toEqual({});
  expect(storeEnvironment({ kind: "gcs", keyFile: "/key.json" })).toEqual({
    GOOGLE_APPLICATION_CREDENTIALS: "/key.json",
  });
  expect(storeEnvironment({ kind: "gcs", endpoint: "http://gcs:4443" })).toEqual({
    STORAGE_EMULATOR_HOST: "http://gcs:4443",
    FSSPEC_GS_TOKEN: "anon",
    GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT: "false",
  });
});

test("with Azure a task gets the account and a key or a signature, and another endpoint in a connection string", () => {
  expect(storeEnvironment({ kind: "azure", account: "acc", accountKey: "key" })).toEqual({
    FLYTE_AZURE_STORAGE_ACCOUNT_NAME: "acc",
    FLYTE_AZURE_STORAGE_ACCOUNT_KEY: "key",
    FLYTE_PERSISTENCE_ATTACH_EXECUTION_METADATA: "false",
    AZURE_STORAGE_ACCOUNT_NAME: "acc",
    AZURE_STORAGE_ACCOUNT_KEY: "key",
  });
  const emulated = { kind: "azure", account: "acc", endpoint: "http://azurite:10000/acc" } as const;
  expect(storeEnvironment({ ...emulated, accountKey: "key" }).AZURE_STORAGE_CONNECTION_STRING).toBe(
    "DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=key;BlobEndpoint=http://azurite:10000/acc;",
  );
  expect(storeEnvironment({ ...emulated, sasToken: "sig=x" })).toMatchObject({
    AZURE_STORAGE_SAS_TOKEN: "sig=x",
    AZURE_STORAGE_CONNECTION_STRING:
      "DefaultEndpointsProtocol=http;AccountName=acc;SharedAccessSignature=sig=x;BlobEndpoint=http://azurite:10000/acc;",
  });
});

test("credentials of an attempt replace those of the configuration, in S3 only", () => {
  const scoped = { accessKeyId: "a", secretAccessKey: "b", sessionToken: "c", expiresAtMs: 1 };
  expect(scopedTo({ kind: "s3", region: "r", ...KEYS }, scoped)).toEqual({
    kind: "s3",
    region: "r",
    accessKeyId: "a",
    secretAccessKey: "b",
    sessionToken: "c",
  });
  expect(scopedTo({ kind: "gcs" }, scoped)).toEqual({ kind: "gcs" });
  expect(scopedTo(undefined, scoped)).toBeUndefined();
});

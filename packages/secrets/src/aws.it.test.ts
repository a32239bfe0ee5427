import { randomBytes } from "node:crypto";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { requireMoto, startMoto, type TestAws } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { awsSource, readAwsNames } from "./aws-source.ts";
import type { SecretPlace } from "./envelope.ts";
import { kmsKey } from "./kms-key.ts";
import { keyring, localKey } from "./master-keys.ts";
import { openSources } from "./open-sources.ts";
import type { SecretRequest, SecretSource } from "./secret-source.ts";

const ASK: SecretRequest = {
  org: "",
  project: "mine",
  domain: "development",
  group: "db",
  version: "",
  key: "password",
};
const PLACE: SecretPlace = {
  org: "",
  project: "mine",
  domain: "development",
  group: "db",
  key: "password",
  version: 1,
};
const VALUE = Buffer.from("hunter22");
const textOf = async (source: SecretSource, change: Partial<SecretRequest> = {}) => {
  const value = await source.find({ ...ASK, ...change });
  return value && Buffer.from(value).toString();
};

describe.skipIf(requireMoto() === undefined)("AWS", () => {
  let aws: TestAws;
  beforeAll(async () => {
    aws = await startMoto();
    vi.stubEnv("AWS_ENDPOINT_URL", aws.endpoint);
    vi.stubEnv("AWS_REGION", aws.region);
    vi.stubEnv("AWS_ACCESS_KEY_ID", aws.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", aws.secretAccessKey);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await aws?.close();
  });

  test("a secret is found under a name of its own, or as a key of a group that is everybody's", async () => {
    const manager = new SecretsManagerClient({});
    const put = (Name: string, SecretString: string) => manager.send(new CreateSecretCommand({ Name, SecretString }));
    await put("mine/development/db/password", "my own");
    await put("other/development/db/password", "not yours");
    await put("other/development/db", JSON.stringify({ password: "not yours" }));
    await put("shared", JSON.stringify({ token: "for all", port: 5432 }));
    await put("plain", "no JSON");
    const source = awsSource();
    expect(await textOf(source)).toBe("my own");
    expect(await textOf(source, { domain: "staging" })).toBeUndefined();
    expect(await textOf(source, { group: "shared", key: "token" })).toBe("for all");
    expect(await textOf(source, { group: "shared", key: "port" })).toBe("5432");
    expect(await textOf(source, { group: "shared", key: "toString" })).toBeUndefined();
    expect(await textOf(source, { group: "plain" })).toBeUndefined();
    for (const group of [
      "other/development/db",
      "../other/development/db",
      "arn:aws:secretsmanager:x:1:secret:other",
    ]) {
      expect(await textOf(source, { group })).toBeUndefined();
    }
    const scoped = awsSource(readAwsNames("{project}/{domain}/{group}"));
    expect(await textOf(scoped, { project: "other" })).toBe("not yours");
    expect(await textOf(scoped, { group: "shared", key: "token" })).toBeUndefined();
    await manager.send(new PutSecretValueCommand({ SecretId: "shared", SecretString: '{"token": "newer"}' }));
    expect(await textOf(source, { group: "shared", key: "token" })).toBe("newer");
    expect(await textOf(source, { group: "shared", key: "token", version: "AWSPREVIOUS" })).toBe("for all");
    manager.destroy();
  });

  test("a server that is away is unavailable, and nothing of that is remembered", async () => {
    const source = openSources([{ type: "aws" }], { environment: {} });
    vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    const away = openSources([{ type: "aws" }], { environment: {} });
    const error = await textOf(away, { group: "shared", key: "token" }).catch((one) => one);
    expect(error).toMatchObject({ code: "unavailable", reason: "secret_source_unavailable" });
    vi.stubEnv("AWS_ENDPOINT_URL", aws.endpoint);
    expect(await textOf(source, { group: "shared", key: "token" })).toBe("newer");
  });

  test("values under a key of KMS are read where they were put, and rotate to it from a local key", async () => {
    const kms = new KMSClient({});
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    await kms.send(new CreateAliasCommand({ AliasName: "alias/skein", TargetKeyId: KeyMetadata?.KeyId }));
    kms.destroy();
    const local = localKey("old", randomBytes(32));
    const before = await keyring([local]).close(PLACE, VALUE);
    const keys = keyring([kmsKey("alias/skein"), local]);
    const rotated = await keys.rewrap(PLACE, before);
    const fresh = await keys.close(PLACE, VALUE);
    expect([rotated.keyId, fresh.keyId]).toEqual(["kms:alias/skein", "kms:alias/skein"]);
    const alone = keyring([kmsKey("alias/skein")]);
    for (const sealed of [rotated, fresh]) expect(await alone.open(PLACE, sealed)).toEqual(VALUE);
    expect(Buffer.from(fresh.ciphertext).includes(VALUE)).toBe(false);
    await expect(alone.open({ ...PLACE, project: "other" }, fresh)).rejects.toMatchObject({
      reason: "secret_kms_unavailable",
    });
  });

  test("what KMS opened is remembered, so that its absence is survived for a while, and no longer", async () => {
    let time = 0;
    const key = kmsKey("alias/skein", () => time);
    const keys = keyring([key]);
    const [known, unknown] = [await keys.close(PLACE, VALUE), await keys.close(PLACE, VALUE)];
    expect(await keys.open(PLACE, known)).toEqual(VALUE);
    await aws.reset();
    expect(await keys.open(PLACE, known)).toEqual(VALUE);
    await expect(keys.open(PLACE, unknown)).rejects.toMatchObject({ code: "unavailable" });
    await expect(keys.open({ ...PLACE, version: 2 }, known)).rejects.toMatchObject({ code: "unavailable" });
    time = 300_001;
    await expect(keys.open(PLACE, known)).rejects.toMatchObject({ code: "unavailable" });
  });
});

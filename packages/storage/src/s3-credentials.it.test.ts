import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder, requireMoto, startMoto, type TestAws } from "@skein/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { openCredentialScoper } from "./open-scoper.ts";
import { openStorage, type StorageOptions } from "./open-storage.ts";
import type { StoreRights } from "./s3/session-policy.ts";
import { sessionPolicy } from "./s3/session-policy.ts";
import type { Storage } from "./storage.ts";

const hasMoto = requireMoto() !== undefined;
const ROLE = "arn:aws:iam::123456789012:role/skein-tasks";
const ROOT = "s3://skein/root";

describe.skipIf(!hasMoto)("credentials for S3", () => {
  let aws: TestAws;
  const folder = createTempFolder("credentials");
  const opened: { close(): void }[] = [];

  const open = async (change: Partial<NonNullable<StorageOptions["s3"]>> = {}): Promise<Storage> => {
    const storage = await openStorage({ uri: ROOT, s3: { endpoint: aws.endpoint, region: aws.region, ...change } });
    opened.push(storage);
    return storage;
  };

  beforeAll(async () => {
    aws = await startMoto();
  });
  beforeEach(async () => {
    await aws.enforceRights(Number.MAX_SAFE_INTEGER);
    await aws.reset();
    await fetch(`${aws.endpoint}/skein`, { method: "PUT", headers: { authorization: "AWS testing:x" } });
    // Nothing of this machine's: what is found is what a test sets.
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"]) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    vi.stubEnv("AWS_ENDPOINT_URL_STS", aws.endpoint);
    vi.stubEnv("AWS_REGION", aws.region);
  });
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
    vi.unstubAllEnvs();
  });
  afterAll(async () => {
    await aws.close();
    await folder.close();
  });

  test("a service account's web identity is used where nothing else is set; without any source it says so", async () => {
    const none = await open();
    await expect(none.get(none.join("a"))).rejects.toMatchObject({
      reason: "storage_refused",
      message: expect.stringContaining("Could not load credentials"),
    });
    const token = join(folder.path, "token");
    writeFileSync(token, "header.payload.signature");
    vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", token);
    vi.stubEnv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod");
    const storage = await open();
    await storage.put(storage.join("a"), Buffer.from("by web identity"));
    expect(Buffer.from(await storage.get(storage.join("a"))).toString()).toBe("by web identity");
    expect(await aws.queries()).toContainEqual(
      expect.objectContaining({
        Action: "AssumeRoleWithWebIdentity",
        RoleArn: "arn:aws:iam::123456789012:role/pod",
        WebIdentityToken: "header.payload.signature",
      }),
    );
  });

  test("a role of another account is taken on with its external id", async () => {
    const arn = "arn:aws:iam::999999999999:role/skein-storage";
    const storage = await open({ credentials: aws, role: { arn, externalId: "between-us" } });
    await storage.put(storage.join("b"), Buffer.from("x"));
    expect(await aws.queries()).toContainEqual(
      expect.objectContaining({ Action: "AssumeRole", RoleArn: arn, ExternalId: "between-us" }),
    );
  });

  test("a session reaches what its policy says, and is told when it reaches further", async () => {
    const rights: StoreRights = { read: [`${ROOT}/meta/p/d`], write: [`${ROOT}/meta/p/d/run/n0/0`] };
    const policy = sessionPolicy(rights);
    // Moto keeps no policies of sessions, so the role gets the same one and moto's IAM says what it allows.
    await iam("CreateRole", { RoleName: "skein-tasks", AssumeRolePolicyDocument: "{}" });
    await iam("PutRolePolicy", { RoleName: "skein-tasks", PolicyName: "session", PolicyDocument: policy });
    const owner = await open({ credentials: aws });
    for (const key of ["meta/p/d/other", "meta/q/d/secret"]) await owner.put(owner.join(key), Buffer.from("x"));
    const scoper = await openCredentialScoper({ roleArn: ROLE, secondsMax: 3_600, credentials: aws });
    opened.push(scoper);
    const credentials = await scoper.scope("skein-run/n0", rights, 60);
    const sent = (await aws.queries()).findLast(({ Action }) => Action === "AssumeRole");
    expect(sent).toMatchObject({
      RoleArn: ROLE,
      Policy: policy,
      DurationSeconds: "900",
      RoleSessionName: "skein-run-n0",
    });
    expect(credentials.expiresAtMs).toBeGreaterThan(Date.now());

    const task = await open({ credentials });
    await aws.enforceRights();
    expect(Buffer.from(await task.get(task.join("meta/p/d/other"))).toString()).toBe("x");
    await task.put(task.join("meta/p/d/run/n0/0/outputs.pb"), Buffer.from("outputs"));
    const forbidden = { code: "permission_denied", reason: "storage_forbidden" };
    await expect(task.get(task.join("meta/q/d/secret"))).rejects.toMatchObject(forbidden);
    await expect(task.put(task.join("meta/p/d/other"), Buffer.from("y"))).rejects.toMatchObject(forbidden);
    await expect(task.put(task.join("meta/p/d/run/n0/00"), Buffer.from("y"))).rejects.toMatchObject(forbidden);
    await expect(task.remove(task.join("meta/p/d/other"))).rejects.toMatchObject(forbidden);
    await expect(task.head(task.join("meta/q/d/none"))).rejects.toMatchObject(forbidden);
  });

  test("a role that cannot be taken on says what to check", async () => {
    const dead = await openCredentialScoper({ roleArn: ROLE, secondsMax: 900, credentials: aws });
    opened.push(dead);
    await aws.enforceRights();
    const refused = { code: "unavailable", message: expect.stringContaining("SKEIN_TASK_ROLE_ARN") };
    await expect(dead.scope("x", { read: [ROOT], write: [ROOT] })).rejects.toMatchObject(refused);
  });

  const iam = (Action: string, parameters: Record<string, string>) =>
    aws.query("iam", { Action, Version: "2010-05-08", ...parameters });
});

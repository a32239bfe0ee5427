import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SkeinError } from "@skein/errors";
import { expect, test } from "vitest";
import { z } from "zod";
import { describeConfig } from "./describe-config.ts";
import { env } from "./env.ts";
import { flag, portNumber, sharedFields } from "./fields.ts";
import { storageFields } from "./storage-fields.ts";

const schema = z.object({
  databaseUrl: sharedFields.databaseUrl,
  port: portNumber().default(8088).describe("Where to listen"),
  allowAnonymous: flag().default(false),
  awsRegion: z.string().optional(),
});
const read = env(schema, { names: { awsRegion: "AWS_REGION" } });

test("fields come from variables with our prefix, or from the names people know", () => {
  const config = read({
    DATABASE_URL: "postgres://a@b/c",
    SKEIN_PORT: "9000",
    SKEIN_ALLOW_ANONYMOUS: "true",
    AWS_REGION: "eu-north-1",
    PATH: "/bin",
  });
  expect(config).toEqual({
    databaseUrl: "postgres://a@b/c",
    port: 9000,
    allowAnonymous: true,
    awsRegion: "eu-north-1",
  });
});

test("the bucket's region and keys have one name for all processes, and AWS_REGION counts where ours is not set", () => {
  const { s3Region, awsAccessKeyId, awsSessionToken } = storageFields;
  const readStore = env(z.object({ s3Region, awsAccessKeyId, awsSessionToken }));
  const aws = { AWS_REGION: "eu-north-1", AWS_ACCESS_KEY_ID: "key", AWS_SESSION_TOKEN: "session" };
  expect(readStore(aws)).toEqual({ s3Region: "eu-north-1", awsAccessKeyId: "key", awsSessionToken: "session" });
  expect(readStore({ ...aws, SKEIN_S3_REGION: "eu-west-1" }).s3Region).toBe("eu-west-1");
  expect(readStore({ ...aws, SKEIN_S3_REGION: "" }).s3Region).toBe("eu-north-1");
});

test("an empty variable counts as unset", () => {
  expect(read({ DATABASE_URL: "postgres://a@b/c", SKEIN_PORT: "" }).port).toBe(8088);
});

test("all problems are reported together, each with its variable and an example", () => {
  const thrown = catchError(() => read({ SKEIN_PORT: "many", SKEIN_ALLOW_ANONYMOUS: "no", SKEIN_PROT: "1" }));
  expect(thrown).toBeInstanceOf(SkeinError);
  expect(thrown.message.split("\n")).toEqual([
    "Configuration is not valid:",
    "  - SKEIN_PROT is not a variable of Skein: correct the name or remove it",
    "  - DATABASE_URL: is not set (for example DATABASE_URL=postgres://skein:password@localhost:5432/skein)",
    "  - SKEIN_PORT: must be a whole number from 0 to 65535",
    "  - SKEIN_ALLOW_ANONYMOUS: must be true or false",
  ]);
});

test("a variable of another of our processes is not a problem", () => {
  expect(() => read({ DATABASE_URL: "postgres://a@b/c", SKEIN_AGENT_HOME: "/tmp/a" })).not.toThrow();
});

test("the table shows every variable with its default", () => {
  expect(
    describeConfig(schema, { names: { awsRegion: "AWS_REGION" } })
      .split("\n")
      .slice(1),
  ).toEqual([
    "SKEIN_PORT             8088      Where to listen",
    "SKEIN_ALLOW_ANONYMOUS  false",
    "AWS_REGION             unset",
  ]);
});

function catchError(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

test("a secret that is printed in the documentation, or no secret at all, is refused", () => {
  const refused = (key: string): boolean => !sharedFields.secretKey.safeParse(key).success;
  for (const key of ["the output of: openssl rand -hex 32", "x".repeat(64), "changeme-changeme-changeme-0123456789"]) {
    expect([key, refused(key)]).toEqual([key, true]);
  }
  expect(refused("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")).toBe(false);
});

test("a value may stand in a file, which its own variable outdoes", () => {
  const folder = mkdtempSync(join(tmpdir(), "skein-config-"));
  try {
    const file = join(folder, "url");
    writeFileSync(file, "postgres://file@b/c\n");
    expect(read({ DATABASE_URL_FILE: file }).databaseUrl).toBe("postgres://file@b/c");
    expect(read({ DATABASE_URL_FILE: file, DATABASE_URL: "postgres://own@b/c" }).databaseUrl).toBe(
      "postgres://own@b/c",
    );
    const missing = { DATABASE_URL: "postgres://a@b/c", SKEIN_PORT_FILE: `${file}.none` };
    expect(() => read(missing)).toThrow(/SKEIN_PORT_FILE: .*none cannot be read \(ENOENT\)/);
    expect(() => read({ DATABASE_URL: "postgres://a@b/c", SKEIN_PROT_FILE: file })).toThrow(/SKEIN_PROT_FILE is not/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

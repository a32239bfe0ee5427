import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readApiConfig, startApi } from "@skein/api/start";
import { createTempFolder, createTestDatabase, type TestDatabase } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../dev/free-port.ts";
import { masterKeyFile } from "../dev/master-key-file.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const VALUE = "correct horse battery";
const folder = createTempFolder("secret");
const keyFile = masterKeyFile({ file: (name) => join(folder.path, name) });

let database: TestDatabase;
let api: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  database = await createTestDatabase();
  const config = readApiConfig({
    DATABASE_URL: database.url,
    SKEIN_STORAGE: `file://${folder.path}`,
    SKEIN_SECRET_KEY: "0123456789abcdef0123456789abcdef",
    SKEIN_SECRETS_KEY_FILE: keyFile,
    SKEIN_PORT: String(await freePort()),
    SKEIN_GRPC_PORT: "off",
    SKEIN_LOG_LEVEL: "silent",
  });
  api = await startApi(config);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
  await folder.close();
});

async function secret(args: readonly string[], input = "", url = api.url): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env.PATH ?? "", HOME: folder.path, SKEIN_API_URL: url };
  const child = spawn(process.execPath, [MAIN, "secret", ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number];
  return { code, output };
}

test("the key of a home is made once, for its owner alone", () => {
  expect(masterKeyFile({ file: (name) => join(folder.path, name) })).toBe(keyFile);
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
});

test("a value goes in by standard input, and only its name comes out again", async () => {
  const scope = ["-p", "flytesnacks"];
  const set = await secret(["set", "db", "password", ...scope], `${VALUE}\n`);
  expect(set).toEqual({ code: 0, output: expect.stringContaining("Version 1 of db/password is kept.") });
  const listed = await secret(["list", "-o", "json"]);
  expect(JSON.parse(listed.output)).toMatchObject([
    { project: "flytesnacks", domain: null, group: "db", key: "password" },
  ]);
  expect(set.output + listed.output).not.toContain(VALUE);
  const { rows } = await database.pool.query("select length(ciphertext) - 29 as bytes from secrets");
  expect(rows).toEqual([{ bytes: VALUE.length }]);
  expect(await secret(["rotate"])).toEqual({ code: 0, output: "0 values are under the first master key now.\n" });
  const elsewhere = await secret(["delete", "db", "password"]);
  expect(elsewhere).toEqual({ code: 3, output: "There is no secret db/password for all projects.\n" });
  expect((await secret(["delete", "db", "password", ...scope])).code).toBe(0);
  expect((await secret(["list"])).output).toBe("No secrets are kept here.\n");
});

test("what went wrong is a line for people", async () => {
  const [empty, missing, away] = await Promise.all([
    secret(["set", "g", "k"]),
    secret(["set", "g", "k", "--from-file", "/no/such/file"]),
    secret(["list"], "", "http://127.0.0.1:1"),
  ]);
  expect(empty).toEqual({ code: 2, output: "value is empty: give it at least one byte.\n" });
  expect(missing.output).toContain("The value cannot be read: ENOENT");
  expect(away).toEqual({ code: 7, output: expect.stringContaining("Is it running? --server or SKEIN_API_URL") });
  expect(away.output.trim().split("\n")).toHaveLength(1);
});

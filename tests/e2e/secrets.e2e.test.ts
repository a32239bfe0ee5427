import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSkeinClient, type SkeinClient } from "@skein/client";
import { type AdminClient, openAdminClient, TEST_TENANT, untilOver, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "./src/command.ts";
import { buildFlytekitImage, haveDocker } from "./src/flytekit-image.ts";
import {
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const CLI = fileURLToPath(new URL("../../apps/cli/src/main.ts", import.meta.url));
const IMAGE = `skein-test-secrets:v${process.pid}`;
const TOKEN = "tok-4f1c9a2e77";
const PASSWORD = "correct horse battery";
const FORMER_PASSWORD = "staple";
const CERTIFICATE = "-----BEGIN TEST-----\nMIIBsecretline1\nMIIBsecretline2\n-----END TEST-----\n";
const HIDDEN = [TOKEN, PASSWORD, FORMER_PASSWORD, "MIIBsecretline1", "MIIBsecretline2"];
/** flytekit in a container on a busy machine. */
const LONG_MS = 100_000;
/** As it may lie in a file or a column. */
const formsOf = (value: string) => [
  value,
  Buffer.from(value).toString("base64").slice(0, -4),
  Buffer.from(value).toString("hex"),
];

const available = await haveClients();
const runtimes = available
  ? [{ runtime: "process" as const }, ...((await haveDocker()) ? [{ runtime: "docker" as const }] : [])]
  : [];

describe.skipIf(!available).each(runtimes)("secrets of a $runtime", ({ runtime }) => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;
  let client: SkeinClient;
  let image: { remove(): Promise<void> } | undefined;

  const cli = (...args: string[]) =>
    runCommand(process.execPath, [CLI, "secret", ...args], {
      cwd: skein.folder,
      env: { PATH: process.env.PATH, SKEIN_API_URL: skein.url },
    });
  const setSecret = async (key: string, value: string) => {
    const file = join(skein.folder, "value");
    writeFileSync(file, value);
    const { code, output } = await cli(
      "set",
      "vault",
      key,
      "-p",
      "flytesnacks",
      "-d",
      "development",
      "--from-file",
      file,
    );
    expect(code, output).toBe(0);
    return output;
  };

  beforeAll(async () => {
    if (runtime === "docker") image = await buildFlytekitImage(IMAGE);
    const env = {
      SKEIN_SECRETS_KEYS: `test:${randomBytes(32).toString("base64")}`,
      ...(runtime === "docker" ? { SKEIN_DOCKER_NETWORK: "none" } : {}),
    };
    skein = await startSkein({
      queue: "postgres",
      storage: "file",
      apis: 1,
      schedulers: 1,
      agents: 1,
      agentSlots: 4,
      runtime,
      env,
    });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    client = createSkeinClient({ url: skein.url });
    const versioned = ["-p", "flytesnacks", "-d", "development", "--version", "v1", "--image", IMAGE];
    if (runtime === "process") await clients.register("secretive.py");
    else expect((await clients.pyflyte("register", ...versioned, "secretive.py")).code).toBe(0);
    const kept = [await setSecret("token", TOKEN), await setSecret("Certificate", CERTIFICATE)];
    kept.push(await setSecret("password", FORMER_PASSWORD), await setSecret("password", PASSWORD));
    expect(kept.at(-1)).toContain("Version 2 of vault/password is kept");
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
    await image?.remove();
  });

  const logOf = async (name: string): Promise<string> => {
    const [action] = (await client.runs.actions.query({ ...TEST_TENANT, name })).items.filter(
      ({ kind }) => kind === "task",
    );
    return (await client.runs.logs.query({ ...TEST_TENANT, name, action: action?.name ?? "n0" })).text;
  };
  const outputOf = async (name: string) => {
    await untilOver(admin, name, LONG_MS);
    return (await outputsWhenOver(admin, name)).o0;
  };
  const errorOf = async (name: string) => {
    const { closure } = await untilOver(admin, name, LONG_MS);
    return closure?.outputResult.case === "error" ? closure.outputResult.value.message : "";
  };

  test.concurrent("C11.96 a task gets them by variable and by file, and what it says of them is hidden", async () => {
    const name = await clients.launch("secretive.telling");
    const lengths = [TOKEN.length, CERTIFICATE.trim().length, PASSWORD.length].map(BigInt);
    expect(await outputOf(name)).toEqual(lengths);
    const log = await waitFor(async () => {
      const text = await logOf(name);
      return text.includes("said all") && text;
    });
    expect(log).toContain("the token is ***, the password ***");
    for (const value of HIDDEN) expect(log).not.toContain(value);
  });

  test.concurrent("C11.96 one that nobody has is an error of flytekit that names both places", async () => {
    const message = await errorOf(await clients.launch("secretive.lacking"));
    expect(message).toMatch(/ValueError: .*Unable to find secret for key missing in group vault/);
    expect(message).toContain("_FSEC_VAULT_MISSING");
    expect(message).toContain("vault/missing");
    if (runtime === "docker") expect(message).toContain("/etc/flyte/secrets/vault/missing");
  });

  // What does not depend on the runtime.
  if (runtime === "process") {
    test.concurrent("a version that the task names is the one that it gets", async () => {
      const name = await clients.launch("secretive.former");
      expect(await outputOf(name)).toBe(BigInt(FORMER_PASSWORD.length));
    });

    test.concurrent("an exception that quotes a value is shown without it", async () => {
      const message = await errorOf(await clients.launch("secretive.blabbing"));
      expect(message).toContain("ValueError: the password is ***");
      expect(message).not.toContain(PASSWORD);
    });
  }

  test("no value is in a list, an answer, a process' log, the database or a file that stays", async () => {
    const listed = await cli("list");
    expect(listed.output).toMatch(/flytesnacks +development +vault +password +2/);
    const runs = await client.runs.list.query(TEST_TENANT);
    const said = [listed.output, JSON.stringify(runs), skein.logs()];
    const { rows } = await skein.database.pool.query<{ name: string }>(
      "select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_schema = 'public'",
    );
    for (const { name } of rows) {
      const text = await skein.database.pool.query<{ row: string }>(`select t::text as row from ${name} t`);
      said.push(...text.rows.map(({ row }) => `${name}: ${row}`));
    }
    // An agent forgets an attempt, and all that it had, once its report is settled.
    const attempts = join(skein.folder, "agent-0", "attempts");
    await waitFor(() => readdirSync(attempts).length === 0, { what: "no attempt left", timeoutMs: 60_000 });
    const storage = join(skein.folder, "storage");
    for (const entry of readdirSync(storage, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) said.push(readFileSync(join(entry.parentPath, entry.name), "latin1"));
    }
    expect(said.length).toBeGreaterThan(20);
    for (const form of HIDDEN.flatMap(formsOf)) {
      expect(
        said.filter((text) => text.includes(form)).map((text) => text.slice(0, 200)),
        form,
      ).toEqual([]);
    }
  });
});

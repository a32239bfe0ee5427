import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { freePort } from "./free-port.ts";
import { startLeashed } from "./leashed-process.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait-for.ts";

export interface TestAzure {
  /** Of the account's blob service. */
  readonly endpoint: string;
  readonly account: string;
  readonly accountKey: string;
  readonly container: string;
  close(): Promise<void>;
}

const API_VERSION = "2023-11-03";

/** Starts azurite's blob service with one container, in memory. */
export async function startAzure(): Promise<TestAzure> {
  const require = createRequire(import.meta.url);
  const program = join(dirname(require.resolve("azurite/package.json")), "dist/src/blob/main.js");
  const folder = createTempFolder("azure");
  const port = await freePort();
  const access = { account: "skeintest", accountKey: Buffer.from("a key for tests").toString("base64") };
  const settings = ["--blobHost", "127.0.0.1", "--blobPort", `${port}`, "--location", folder.path, "--silent"];
  const running = await startLeashed(process.execPath, [program, ...settings, "--skipApiVersionCheck"], {
    env: { ...process.env, AZURITE_ACCOUNTS: `${access.account}:${access.accountKey}` },
    logFile: join(folder.path, "azurite.log"),
  });
  const endpoint = `http://127.0.0.1:${port}/${access.account}`;
  await waitFor(async () => (await fetch(endpoint)).status > 0, { what: "azurite to answer", timeoutMs: 60_000 });
  const container = "skein-test";
  await makeContainer(`${endpoint}/${container}`, access);
  return {
    endpoint,
    ...access,
    container,
    close: async () => {
      await running.close("SIGKILL");
      await folder.close();
    },
  };
}

/** One signed request is less than the SDK. */
async function makeContainer(url: string, { account, accountKey }: { account: string; accountKey: string }) {
  const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": API_VERSION };
  const named = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  // Eleven standard headers that are not sent, each with a line of its own.
  const text = `PUT${"\n".repeat(12)}${named.join("")}/${account}${new URL(url).pathname}\nrestype:container`;
  const signature = createHmac("sha256", Buffer.from(accountKey, "base64")).update(text).digest("base64");
  const authorization = `SharedKey ${account}:${signature}`;
  const answer = await fetch(`${url}?restype=container`, { method: "PUT", headers: { ...headers, authorization } });
  if (!answer.ok) throw new Error(`azurite made no container: ${answer.status} ${await answer.text()}`);
}

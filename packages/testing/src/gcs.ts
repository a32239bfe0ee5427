import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { startLeashed } from "./leashed-process.ts";
import { findTool, INSTALL_FAKE_GCS } from "./require-tool.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait-for.ts";

export interface TestGcs {
  readonly endpoint: string;
  /** Where its signed URLs lead. */
  readonly publicEndpoint: string;
  readonly bucket: string;
  /** A service account's key, made for this server: signs URLs. */
  readonly keyFile: string;
  close(): Promise<void>;
}

/** Starts `fake-gcs-server` with one bucket, in memory. It checks neither credentials nor signatures. */
export async function startGcs(): Promise<TestGcs> {
  const server = findTool("fake-gcs-server");
  if (server === undefined) throw new Error(`fake-gcs-server is missing: ${INSTALL_FAKE_GCS}`);
  const folder = createTempFolder("gcs");
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const place = ["-scheme", "http", "-host", "127.0.0.1", "-port", `${port}`, "-external-url", endpoint];
  const running = await startLeashed(server, [...place, "-public-host", `localhost:${port}`, "-backend", "memory"], {
    logFile: join(folder.path, "fake-gcs-server.log"),
  });
  const buckets = `${endpoint}/storage/v1/b`;
  await waitFor(async () => (await fetch(buckets)).ok, { what: "fake-gcs-server to answer" });
  const bucket = "skein-test";
  const made = await fetch(buckets, { method: "POST", body: JSON.stringify({ name: bucket }) });
  if (!made.ok) throw new Error(`fake-gcs-server made no bucket: ${made.status}`);
  const keyFile = join(folder.path, "key.json");
  writeFileSync(keyFile, JSON.stringify(serviceAccount()), { mode: 0o600 });
  return {
    endpoint,
    publicEndpoint: `http://localhost:${port}`,
    bucket,
    keyFile,
    close: async () => {
      await running.close("SIGKILL");
      await folder.close();
    },
  };
}

function serviceAccount() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    type: "service_account",
    project_id: "skein-test",
    client_email: "skein@skein-test.iam.gserviceaccount.com",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { startLeashed } from "./leashed-process.ts";
import { requireTool } from "./require-tool.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait-for.ts";

const VENV = join(homedir(), ".cache", "skein-test", "moto");

/** How to get moto, AWS's services for tests. */
export const INSTALL_MOTO = `python3 -m venv ${VENV} && ${VENV}/bin/pip install -r tests/moto/requirements.txt`;

export interface TestAws {
  /** Answers for every service: `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_STS`, … */
  readonly endpoint: string;
  readonly region: string;
  /** Any key does, until `enforceRights` is called. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** From now on requests need a right that IAM gave; more requests than `free` are not let through without one. */
  enforceRights(free?: number): Promise<void>;
  /** Asks a service that takes queries (IAM, STS), with a key that moto does not look at before `enforceRights`. */
  query(service: string, parameters: Readonly<Record<string, string>>): Promise<string>;
  /** What such services were asked since the start. */
  queries(): Promise<Record<string, string>[]>;
  /** Forgets everything. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** The path of `moto_server`: on PATH, or in its virtual environment. Undefined after a line that says what to install. */
export const requireMoto = (): string | undefined => requireTool("moto_server", INSTALL_MOTO, [join(VENV, "bin")]);

/** Starts moto's server on a free port. Check `requireMoto()` first. */
export async function startMoto(): Promise<TestAws> {
  const server = requireMoto();
  if (server === undefined) throw new Error(`moto_server is missing: ${INSTALL_MOTO}`);
  const folder = createTempFolder("moto");
  const port = await freePort();
  const recording = join(folder.path, "recording");
  const running = await startLeashed(server, ["-H", "127.0.0.1", "-p", `${port}`], {
    env: { ...process.env, MOTO_ENABLE_RECORDING: "1", MOTO_RECORDER_FILEPATH: recording },
    logFile: join(folder.path, "moto.log"),
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const ask = async (path: string, body?: string) => {
    const answer = await fetch(`${endpoint}/moto-api/${path}`, { method: "POST", ...(body !== undefined && { body }) });
    if (!answer.ok) throw new Error(`moto answered ${answer.status} to ${path}`);
  };
  await waitFor(async () => (await fetch(`${endpoint}/moto-api/data.json`)).ok, {
    what: "moto to answer",
    timeoutMs: 60_000,
  });
  return {
    endpoint,
    region: "us-east-1",
    accessKeyId: "testing",
    secretAccessKey: "testing",
    enforceRights: (free = 0) => ask("reset-auth", String(free)),
    query: (service, parameters) => query(endpoint, service, parameters),
    queries: async () => recordedQueries(readFileSync(recording, "utf8")),
    reset: () => ask("reset"),
    close: async () => {
      await running.close("SIGKILL");
      await folder.close();
    },
  };
}

async function query(endpoint: string, service: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const scope = `testing/20260101/us-east-1/${service}/aws4_request`;
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none` },
    body: new URLSearchParams(parameters),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`moto answered ${answer.status} to ${parameters.Action}: ${text}`);
  return text;
}

/** One request a line, in base64; other services than those of queries have no `Action` in their body. */
function recordedQueries(recording: string): Record<string, string>[] {
  return recording
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { body: string | null }).body ?? "")
    .map((body) => Object.fromEntries(new URLSearchParams(Buffer.from(body, "base64").toString())))
    .filter(({ Action }) => Action !== undefined);
}

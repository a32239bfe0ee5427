import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSkeinClient } from "@skein/client";
import { waitFor } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registerCommand } from "../demo/register-command.ts";
import { freePort } from "./free-port.ts";
import { markOf, readMark } from "./process-mark.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const started: ChildProcess[] = [];
let home: string;
let environment: Record<string, string>;
let url: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "skein-dev-"));
  const [port, grpcPort] = [await freePort(), await freePort()];
  const { PATH = "" } = process.env;
  environment = { PATH, HOME: home, SKEIN_HOME: home, SKEIN_PORT: `${port}`, SKEIN_GRPC_PORT: `${grpcPort}` };
  url = `http://127.0.0.1:${port}`;
});
afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

function skein(args: readonly string[], change: Record<string, string> = {}): Running {
  const env = { ...environment, ...change };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  return { child, output: () => output, exit: once(child, "close").then(([code]) => code as number | null) };
}

async function ready(change: Record<string, string> = {}): Promise<Running> {
  const running = skein(["dev"], change);
  const isReady = () => running.output().includes("Skein is ready") || running.child.exitCode !== null;
  await waitFor(isReady, { what: "skein dev to be ready", timeoutMs: 60_000 });
  expect(running.output()).toContain(`Skein is ready at ${url}`);
  return running;
}

const markOfPart = (file: string) => readMark(join(home, file));
const postgresPid = () => Number(readFileSync(join(home, "postgres/data/postmaster.pid"), "utf8").split("\n")[0]);
const isAlive = (pid: number): boolean => markOf(pid) !== undefined;

/** The agent holds nothing of the server but its own token. */
function expectNoServerSecret(pid: number): void {
  const secrets = JSON.parse(readFileSync(join(home, "secrets.json"), "utf8")) as Record<string, string>;
  const visible = readFileSync(`/proc/${pid}/environ`, "utf8");
  expect(visible).toContain("SKEIN_AGENT_TOKEN=");
  expect(visible).not.toContain("\0DATABASE_URL=");
  for (const name of ["secretKey", "postgresPassword", "databasePassword"]) {
    expect(visible).not.toContain(secrets[name] ?? name);
  }
}

/** Command lines of running processes that name `text`. */
const processesOf = (text: string): string[] =>
  execFileSync("ps", ["-ww", "-eo", "args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(text));

test("dev says one line when ready, serves, and ends everything at Ctrl-C", async () => {
  const running = await ready();
  expect(running.output().trim().split("\n")).toHaveLength(1);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const agent = markOfPart("agent.pid");
  const postgres = postgresPid();
  expect(agent).toBeDefined();
  expect(isAlive(postgres)).toBe(true);
  expectNoServerSecret(agent?.pid ?? 0);
  running.child.kill("SIGINT");
  expect(await running.exit).toBe(0);
  expect(isAlive(postgres)).toBe(false);
  expect(isAlive(agent?.pid ?? 0)).toBe(false);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
}, 90_000);

test("a second dev in the same home, and one on a taken port, say what to do", async () => {
  const running = await ready();
  const ports = { SKEIN_PORT: `${await freePort()}`, SKEIN_GRPC_PORT: "off" };
  const second = skein(["dev"], ports);
  expect(await second.exit).toBe(1);
  expect(second.output()).toContain(`Skein already runs in ${home} (process ${running.child.pid})`);
  const onTakenPort = skein(["dev"], { SKEIN_HOME: join(home, "other") });
  expect(await onTakenPort.exit).toBe(1);
  expect(onTakenPort.output()).toMatch(/Port \d+ on 127\.0\.0\.1 is in use.*--port or SKEIN_PORT/);
  running.child.kill("SIGTERM");
  expect(await running.exit).toBe(0);
}, 90_000);

test("after a kill -9 the next start ends what was left and serves again", async () => {
  const killed = await ready();
  const left = { agent: markOfPart("agent.pid")?.pid ?? 0, postgres: postgresPid() };
  killed.child.kill("SIGKILL");
  await killed.exit;
  expect(isAlive(left.postgres)).toBe(true);
  const running = await ready();
  expect(isAlive(left.agent)).toBe(false);
  expect(postgresPid()).not.toBe(left.postgres);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  running.child.kill("SIGINT");
  expect(await running.exit).toBe(0);
}, 120_000);

test("Ctrl-C ends a running task, and the next start makes another attempt of it", async () => {
  // The task tells us of itself through a file, which isolation would hide.
  const open = { SKEIN_ISOLATION: "none" };
  const running = await ready(open);
  const client = createSkeinClient({ url });
  const tenant = { project: "flytesnacks", domain: "development" };
  const starts = join(home, "starts");
  // The first attempt says who it is and stays; a later one ends at once.
  const script = `echo $$ >> ${starts}; test "$(wc -l < ${starts})" -gt 1 || sleep 600`;
  await registerCommand(client, tenant, "dev.sleeper", ["sh", "-c", script]);
  const { name } = await client.runs.launch.mutate({ ...tenant, task: { name: "dev.sleeper" } });
  const pids = () => (existsSync(starts) ? readFileSync(starts, "utf8").trim().split("\n") : []);
  await waitFor(() => pids().length === 1, { what: "the task to start", timeoutMs: 30_000 });
  running.child.kill("SIGINT");
  expect(await running.exit).toBe(0);
  expect(processesOf(starts)).toEqual([]);

  const again = await ready(open);
  const hasSucceeded = async () => (await client.runs.get.query({ ...tenant, name })).phase === "succeeded";
  await waitFor(hasSucceeded, { what: "the run to succeed", timeoutMs: 40_000 });
  expect(pids()).toHaveLength(2);
  again.child.kill("SIGINT");
  expect(await again.exit).toBe(0);
}, 120_000);

test("a variable that is not one of ours stops the start", async () => {
  const misspelt = skein(["dev"], { SKEIN_PROT: "1" });
  expect(await misspelt.exit).toBe(2);
  expect(misspelt.output()).toContain("SKEIN_PROT is not a variable of Skein");
});

test("a port that somebody else listens on is not taken by the demo either", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { nextFreePort } = await import("./free-port.ts");
  const { port } = server.address() as { port: number };
  expect(await nextFreePort(port, "127.0.0.1")).toBeGreaterThan(port);
  server.close();
});

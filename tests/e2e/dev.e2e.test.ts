import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WorkflowExecution_Phase } from "@skein/idl/core";
import {
  createTempFolder,
  freePort,
  type LeashedProcess,
  launch,
  openAdminClient,
  startLeashed,
  untilOver,
  waitFor,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processesWith, registerMarkingChain, startsIn } from "./src/start-marks.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

let folder: { path: string; close(): Promise<void> };
let port: number;
let running: LeashedProcess | undefined;
beforeEach(async () => {
  folder = createTempFolder("dev");
  port = await freePort();
});
afterEach(async () => {
  await running?.close();
  await folder.close();
});

const environment = () => ({
  PATH: process.env.PATH ?? "",
  HOME: folder.path,
  SKEIN_HOME: join(folder.path, "skein"),
  // The tasks write to a file of the test, which a sandbox would keep them from.
  SKEIN_ISOLATION: "none",
  SKEIN_GRPC_PORT: "off",
});

const startDev = async (env: Record<string, string> = {}): Promise<LeashedProcess> => {
  running = await startLeashed(process.execPath, ["apps/cli/src/main.ts", "dev", "--port", `${port}`], {
    cwd: ROOT,
    env: { ...environment(), ...env },
    logFile: join(folder.path, "dev.log"),
  });
  return running;
};
const readyLines = (dev: LeashedProcess) => dev.readLog().match(/Skein is ready/g)?.length ?? 0;
const untilReady = (dev: LeashedProcess, times: number) =>
  waitFor(
    async () => {
      if (dev.hasExited()) throw new Error(`skein dev ended:\n${dev.readLog()}`);
      return readyLines(dev) === times;
    },
    { timeoutMs: 60_000, what: "skein dev to be ready" },
  );

/** Processes that were started with our SKEIN_HOME, in their environment or on their command line. */
const ofThisHome = () => {
  const home = join(folder.path, "skein");
  const byEnvironment = readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return false;
    try {
      return readFileSync(`/proc/${entry}/environ`, "utf8").includes(home);
    } catch {
      return false;
    }
  });
  return [...processesWith(home), ...byEnvironment];
};

test("runs survive kill -9 of skein dev, and Ctrl-C leaves no process behind", { timeout: 180_000 }, async () => {
  const file = join(folder.path, "starts");
  const first = await startDev();
  await untilReady(first, 1);
  const admin = openAdminClient(`http://127.0.0.1:${port}`);
  await registerMarkingChain(admin, "dev.chain", file, { steps: 3, seconds: 1 });
  const names = await Promise.all(Array.from({ length: 4 }, () => launch(admin, "dev.chain")));
  await waitFor(async () => startsIn(file).size >= 2, { timeoutMs: 30_000, what: "tasks to start" });

  first.kill("SIGKILL");
  await first.exited;
  const second = await startDev();
  await untilReady(second, 2);
  const phases = await Promise.all(names.map(async (name) => (await untilOver(admin, name)).closure?.phase));
  expect(phases.map((phase) => WorkflowExecution_Phase[phase ?? 0])).toEqual(names.map(() => "SUCCEEDED"));
  expect([...startsIn(file).values()].filter((starts) => starts > 1)).toEqual([]);

  second.kill("SIGINT");
  await second.exited;
  await waitFor(async () => ofThisHome().length === 0, { timeoutMs: 20_000, what: "every process to be gone" });
});

test("a port that is taken and a bad variable are told, with the variable's name", async () => {
  const { createServer } = await import("node:net");
  const blocker = createServer().listen(port, "127.0.0.1");
  const blocked = await startDev();
  await blocked.exited;
  expect(blocked.readLog()).toMatch(new RegExp(`${port}.*(SKEIN_PORT|--port)`, "s"));
  blocker.close();
  const wrong = await startDev({ SKEIN_STORAGE: "ftp://nowhere" });
  await wrong.exited;
  expect(wrong.readLog()).toMatch(/SKEIN_STORAGE/);
});

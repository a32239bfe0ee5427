import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createSkeinClient, type SkeinClient } from "@skein/client";
import { commandTask, openAdminClient, waitFor } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningSkein, startSkein } from "./src/index.ts";

const MAIN = fileURLToPath(new URL("../../apps/cli/src/main.ts", import.meta.url));
const TENANT = { project: "flytesnacks", domain: "development" };
const CLEAR_SCREEN = "\u001b[2J";

let skein: RunningSkein;
let client: SkeinClient;
beforeAll(async () => {
  skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
  client = createSkeinClient({ url: skein.url });
  const admin = openAdminClient(skein.url);
  const say = "echo one; printf '\\033[2J'; sleep 1; echo two";
  await admin.createTask(commandTask("cli.say", ["sh", "-c", say]));
  await admin.createTask(commandTask("cli.fail", ["sh", "-c", "echo going down; exit 3"]));
  await admin.createTask(commandTask("cli.sleep", ["sleep", "60"]));
});
afterAll(() => skein?.close());

interface Started {
  readonly said: { stdout: string; stderr: string };
  readonly code: Promise<number | null>;
  interrupt(): void;
}

/** The real program, in an environment with nothing else in it. */
function start(...args: readonly string[]): Started {
  const env = { PATH: process.env.PATH ?? "", HOME: skein.folder, SKEIN_API_URL: skein.url };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  const code = once(child, "close").then(([ended]) => ended as number | null);
  return { said, code, interrupt: () => void child.kill("SIGINT") };
}

async function cli(...args: readonly string[]) {
  const { said, code } = start(...args);
  return { code: await code, ...said };
}

test("a run that fails ends its command with 4, and its error stands in both streams", async () => {
  const { code, stdout, stderr } = await cli("run", "cli.fail", "--wait", "-o", "json");
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({
    phase: "failed",
    error: { message: expect.stringContaining("exit code 3") },
  });
  expect(stderr).toMatch(/^http:.*\/executions\//);
  expect(stderr).toContain("going down");
});

test("a log is followed while it is written, with its bytes as they are", async () => {
  const { name } = await client.runs.launch.mutate({ ...TENANT, task: { name: "cli.say" } });
  const all = start("logs", name, "-f");
  const waiting = start("run", "cli.say", "--task", "--name", name, "--wait");
  expect(await all.code).toBe(0);
  expect(await waiting.code).toBe(0);
  const { items } = await client.runs.actions.query({ ...TENANT, name });
  const step = items.find(({ kind }) => kind === "task")?.name ?? "";
  expect(all.said.stdout).toBe(`${step} | one\n${step} | ${CLEAR_SCREEN}two\n`);
  expect((await cli("logs", name, step)).stdout).toBe(`one\n${CLEAR_SCREEN}two\n`);
  const [first] = (await cli("logs", name, step, "-o", "json")).stdout.split("\n");
  expect(JSON.parse(first ?? "")).toEqual({ step, attempt: 0, text: "one\n" });
});

test("^C ends the watching and not the run, which stop then ends", async () => {
  const { name } = await client.runs.launch.mutate({ ...TENANT, task: { name: "cli.sleep" } });
  const watching = start("watch", name);
  await waitFor(() => /running .*cli\.sleep/.test(watching.said.stderr), {
    what: "the step to run",
    timeoutMs: 30_000,
  });
  watching.interrupt();
  expect(await watching.code).toBe(130);
  expect(watching.said.stderr).toContain(`Run ${name} goes on: skein watch ${name}`);
  expect(await client.runs.get.query({ ...TENANT, name })).toMatchObject({ phase: "running" });
  const again = start("watch", name);
  expect(await cli("stop", name, "--reason", "enough")).toMatchObject({ code: 0 });
  expect(await again.code).toBe(5);
  expect(again.said.stderr).toContain(`Run ${name} was stopped: enough`);
});

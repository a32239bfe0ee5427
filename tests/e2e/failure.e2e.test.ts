import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ExecutionError_ErrorKind, TaskExecution_Phase, WorkflowExecution_Phase } from "@skein/idl/core";
import { type AdminClient, openAdminClient, untilOver, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  attemptsOf,
  BACKINGS,
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();

describe.skipIf(!available).each(BACKINGS)("failing, queue on $queue, files in $storage", (backing) => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;

  beforeAll(async () => {
    // The tasks leave marks in files that a sandbox would hide.
    const env = { SKEIN_ISOLATION: "none" };
    skein = await startSkein({
      env,
      ...backing,
      apis: 1,
      schedulers: 1,
      agents: 1,
      agentSlots: 3,
    });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    await clients.register("failures.py", "checkpoints.py", "sleepers.py");
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });

  /** Runs a workflow of failures.py to its end and tells what was seen, by the api and by the task itself. */
  async function fail(workflow: string) {
    const path = join(skein.folder, `${workflow}.txt`);
    const name = await clients.launch(`failures.${workflow}`, { path });
    const closure = (await untilOver(admin, name, 90_000)).closure;
    return {
      name,
      phase: closure?.phase,
      error: closure?.outputResult.case === "error" ? closure.outputResult.value : undefined,
      attempts: await attemptsOf(admin, name, "n0"),
      // Absent when the task was stopped before its first line.
      noted: existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [],
    };
  }

  test.concurrent("C5.41 an ordinary exception fails at once, whatever the retries, and is shown whole", async () => {
    const path = join(skein.folder, "refuse-cli.txt");
    const { code, output } = await clients.pyflyte(
      ...["run", "--remote", "--wait", "--poll-interval", "1", "failures.py", "refusing", "--path", path],
    );
    expect(code).not.toBe(0);
    expect(output).toContain("this never works");
    const seen = await fail("refusing");
    expect(seen.phase).toBe(WorkflowExecution_Phase.FAILED);
    expect(seen.noted).toEqual(["0"]);
    expect(seen.attempts).toHaveLength(1);
    expect(seen.error?.message).toContain("Trace:");
    expect(seen.error?.message).toContain("Message:");
    expect(seen.error?.message).toContain("ValueError: this never works");
    expect(seen.error?.kind).toBe(ExecutionError_ErrorKind.USER);
  });

  test.concurrent("C5.42 a recoverable exception is tried again until it works", async () => {
    const seen = await fail("recovering");
    expect(seen.phase).toBe(WorkflowExecution_Phase.SUCCEEDED);
    expect(seen.noted).toEqual(["0", "1", "2"]);
    expect(seen.attempts.map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    expect(seen.attempts.at(-1)?.phase).toBe(TaskExecution_Phase.SUCCEEDED);
    expect(await outputsWhenOver(admin, seen.name)).toEqual({ o0: 2n });
  });

  test.concurrent("C5.43 a recoverable exception fails once its retries are used up", async () => {
    const seen = await fail("exhausting");
    expect(seen.phase).toBe(WorkflowExecution_Phase.FAILED);
    expect(seen.noted).toEqual(["0", "1"]);
    expect(seen.error?.code).toMatch(/^RetriesExhausted\|/);
    expect(seen.error?.message).toContain("attempt 1 is too early");
  });

  test.concurrent("C5.44 a retried task goes on from its checkpoint", async () => {
    const name = await clients.launch("checkpoints.counting", { to: 10 });
    expect(await outputsWhenOver(admin, name)).toEqual({ o0: "8..10" });
    expect(await attemptsOf(admin, name, "n0")).toHaveLength(3);
  });

  test.concurrent("C5.45 a task that takes too long is stopped", async () => {
    const started = performance.now();
    const seen = await fail("oversleeping");
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(seen.phase).toBe(WorkflowExecution_Phase.FAILED);
    expect(seen.error?.code).toBe("RetriesExhausted|TimeoutExpired");
    expect(seen.attempts).toHaveLength(1);
  });

  test.concurrent("C5.46 a killed process is the system's failure and has a budget of its own", async () => {
    const seen = await fail("killed");
    expect(seen.phase).toBe(WorkflowExecution_Phase.FAILED);
    expect(seen.noted).toEqual(["0", "1", "2", "3"]);
    expect(seen.attempts).toHaveLength(4);
    expect(seen.attempts.every(({ error }) => error?.kind === ExecutionError_ErrorKind.SYSTEM)).toBe(true);
  });

  test("C3.30 a server that restarts while a task runs finishes it, without a second attempt", async () => {
    const path = join(skein.folder, "restart.txt");
    const name = await clients.launch("sleepers.napping", { seconds: 6, path });
    await waitFor(() => existsSync(path), { timeoutMs: 30_000, what: "the task to start" });
    const servers = [...skein.apis, ...skein.schedulers];
    for (const server of servers) server.kill("SIGKILL");
    await Promise.all(servers.map((server) => server.exited()));
    await Promise.all(servers.map((server) => server.start()));
    await skein.untilReady();
    expect((await untilOver(admin, name)).closure?.phase, skein.logs()).toBe(WorkflowExecution_Phase.SUCCEEDED);
    expect(readFileSync(path, "utf8")).toMatch(/^started \d+\nfinished\n$/);
    expect(await attemptsOf(admin, name, "n0")).toHaveLength(1);
  });
});

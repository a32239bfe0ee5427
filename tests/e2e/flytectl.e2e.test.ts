import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { WorkflowExecution_Phase } from "@skein/idl/core";
import {
  type AdminClient,
  chainOf,
  echoTask,
  launch,
  openAdminClient,
  register,
  TEST_TENANT,
  untilOver,
  waitFor,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const RUNS = 120;

interface ShownExecution {
  readonly id: { readonly name: string };
  readonly closure: { readonly phase: string; readonly createdAt: string };
}
const asList = (json: unknown): ShownExecution[] => (Array.isArray(json) ? json : [json]) as ShownExecution[];
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

const PAIRS = backingsOfLongSuite({ queue: "redis", storage: "s3" });

describe.skipIf(!available).each(PAIRS)("flytectl, queue on $queue, files in $storage", (backing) => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;

  beforeAll(async () => {
    // The tasks leave marks in files that a sandbox would hide.
    const env = { SKEIN_ISOLATION: "none" };
    skein = await startSkein({ env, ...backing, apis: 1, schedulers: 1, agents: 1 });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    const echo = echoTask("many.echo");
    await register(admin, [echo], [chainOf("many.chain", echo, 1)]);
    await clients.register();
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });
  const get = async (...args: string[]) => asList(await clients.flytectlJson("get", "execution", ...args));
  const createdName = (output: string): string => /name:"([a-z0-9-]+)"/.exec(output)?.[1] ?? output;
  const until = (name: string, phase: WorkflowExecution_Phase) =>
    waitFor(async () => (await admin.getExecution({ id: { ...TEST_TENANT, name } })).closure?.phase === phase, {
      timeoutMs: 30_000,
      what: `${name} to be ${WorkflowExecution_Phase[phase]}`,
    });

  test("C4.31 an execFile of a launch plan, edited, starts a run with the edited input", async () => {
    const file = join(clients.folder, "plan.yaml");
    const got = await clients.flytectl("get", "launchplan", "plans.product", "--latest", "--execFile", file);
    expect(got.code, got.output).toBe(0);
    writeFileSync(file, readFileSync(file, "utf8").replace(/a: 0/, "a: 6").replace(/b: 0/, "b: 9"));
    const created = await clients.flytectl("create", "execution", "--execFile", file);
    expect(created.code, created.output).toBe(0);
    expect(await outputsWhenOver(admin, createdName(created.output))).toEqual({ o0: 54n });
  });

  test("C4.32 an execFile of a task starts a single-task run", async () => {
    const file = join(clients.folder, "task.yaml");
    const got = await clients.flytectl("get", "task", "plans.multiply", "--latest", "--execFile", file);
    expect(got.code, got.output).toBe(0);
    writeFileSync(file, readFileSync(file, "utf8").replace(/a: 0/, "a: 3").replace(/b: 0/, "b: 5"));
    const created = await clients.flytectl("create", "execution", "--execFile", file);
    expect(created.code, created.output).toBe(0);
    expect(await outputsWhenOver(admin, createdName(created.output))).toEqual({ o0: 15n });
  });

  test("C4.33-34 runs are filtered, sorted and paged", async () => {
    const names = await Promise.all(
      Array.from({ length: RUNS }, (_, index) => launch(admin, "many.chain", { x: index }, { name: `many-${index}` })),
    );
    await Promise.all(names.map((name) => untilOver(admin, name)));
    const filtered = await get(
      ...["--filter.fieldSelector", "execution.phase in (FAILED;SUCCEEDED),execution.duration>0"],
      ...["--filter.sortBy", "created_at", "--filter.asc", "--filter.limit", "5"],
    );
    expect(filtered).toHaveLength(5);
    expect(filtered.every(({ closure }) => closure.phase === "SUCCEEDED")).toBe(true);
    const times = filtered.map(({ closure }) => Date.parse(closure.createdAt));
    expect(times).toEqual(times.toSorted((one, other) => one - other));

    const selector = ["--filter.fieldSelector", "execution.name contains many-"];
    const pages = await Promise.all(
      ["1", "2", "3"].map((page) => get(...selector, "--filter.limit", "50", "--filter.page", page)),
    );
    expect(pages.map((page) => page.length)).toEqual([50, 50, 20]);
    expect(new Set(pages.flat().map(({ id }) => id.name)).size).toBe(RUNS);
  });

  test("C4.35 an unknown column, a bad sort key and a bad token are refused", async () => {
    const selector = await clients.flytectl("get", "execution", "--filter.fieldSelector", "execution.colour=red");
    expect(selector.code).toBe(1);
    expect(selector.output).toContain("InvalidArgument");
    const requests = [{ sortBy: { key: "colour" } }, { token: "x" }, { filters: "eq(colour,red)" }];
    for (const request of requests) {
      const refusal = ConnectError.from(
        await admin.listExecutions({ id: TEST_TENANT, limit: 5, ...request }).catch((error: unknown) => error),
      );
      expect(refusal.code, JSON.stringify(request)).toBe(Code.InvalidArgument);
    }
  });

  test("C4.36 an archived run is hidden until it is activated; a second time changes nothing", async () => {
    const name = await launch(admin, "many.chain", { x: 1 }, { name: "to-archive" });
    await untilOver(admin, name);
    const update = (flag: string) => clients.flytectl("update", "execution", name, flag, "--force");
    const listed = async () =>
      (await get("--filter.limit", "100", "--filter.sortBy", "created_at")).map(({ id }) => id.name);
    expect((await update("--archive")).code).toBe(0);
    expect(await listed()).not.toContain(name);
    expect((await update("--archive")).output).toContain("No changes detected");
    expect((await update("--activate")).code).toBe(0);
    expect(await listed()).toContain(name);
  });

  test("C4.37 a deleted run is aborted in seconds and its process is gone", async () => {
    const path = join(skein.folder, "aborted.txt");
    const name = await clients.launch("sleepers.napping", { seconds: 120, path });
    const pid = await waitFor(() => Number(/started (\d+)/.exec(readFileSync(path, "utf8"))?.[1]), {
      timeoutMs: 30_000,
      what: "the task to start",
    });
    const deleted = await clients.flytectl("delete", "execution", name);
    expect(deleted.code, deleted.output).toBe(0);
    await until(name, WorkflowExecution_Phase.ABORTED);
    await waitFor(() => !isAlive(pid), { what: "the task's process to end" });
    const again = await clients.flytectl("delete", "execution", name);
    expect(again.code).toBe(1);
    expect(again.output).toContain("FailedPrecondition");
  });

  test("C4.38 an unknown run is NotFound", async () => {
    const { code, output } = await clients.flytectl("get", "execution", "nobody");
    expect(code).toBe(1);
    expect(output).toContain("NotFound");
  });

  test("C4.39 a workflow's description can be changed", async () => {
    const updated = await clients.flytectl(
      ...["update", "workflow-meta", "greetings.hello", "--description", "Says hello", "--force"],
    );
    expect(updated.code, updated.output).toBe(0);
    const shown = await clients.flytectl("get", "workflow", "-o", "yaml", "--filter.limit", "100");
    expect(shown.stdout).toContain("Says hello");
  });

  test("C4.40 a relaunch has a new name and the same user inputs", async () => {
    const first = await launch(admin, "many.chain", { x: 77 }, { name: "first" });
    await untilOver(admin, first);
    const relaunched = await clients.flytectl("create", "execution", "--relaunch", first);
    expect(relaunched.code, relaunched.output).toBe(0);
    const second = createdName(relaunched.output);
    expect(second).not.toBe(first);
    expect(await outputsWhenOver(admin, second)).toEqual({ x: 77n });
    const { spec } = await admin.getExecution({ id: { ...TEST_TENANT, name: second } });
    expect(spec?.metadata?.referenceExecution?.name).toBe(first);
  });
});

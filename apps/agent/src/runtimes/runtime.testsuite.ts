import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import type { ClaimGrant } from "@skein/contracts";
import { TaskTemplateSchema } from "@skein/idl/core";
import { createTempFolder, waitFor } from "@skein/testing";
import { afterAll, afterEach, expect, test } from "vitest";
import { AttemptFolder, openUp } from "../ledger/attempt-folder.ts";
import { findProcesses } from "./process-identity.ts";
import type { Launch, Runtime } from "./runtime.ts";

export interface RuntimeUnderTest {
  /** A runtime as a freshly started agent whose home is `home` would have it. */
  open(home: string): Promise<Runtime>;
  /** Has busybox's programs. */
  readonly image: string;
  /** Whether tasks see nothing but their own files and processes. */
  readonly isIsolated: boolean;
}

const PATH = "/usr/local/bin:/usr/bin:/bin";
const GRANT: ClaimGrant = {
  taskTemplate: "",
  inputs: { data: "" },
  org: "",
  project: "p",
  domain: "d",
  runName: "run",
  actionName: "n0",
  workflowKey: "p:d:w",
  environment: {},
  outputPrefix: "file:///nowhere/meta",
  rawOutputPrefix: "file:///nowhere/raw",
  previousCheckpointPrefix: null,
  arrayIndex: null,
  platform: null,
  secrets: [],
  storeCredentials: null,
  labels: {},
  annotations: {},
  interruptible: false,
  timeoutMs: 0,
};
let runs = 0;

/** The contract of `Runtime`, the same for each of them. */
export function describeRuntime(subject: RuntimeUnderTest): void {
  const temp = createTempFolder("runtime");
  const home = join(temp.path, "agent");
  const opened: { runtime: Runtime; folders: AttemptFolder[] }[] = [];

  afterEach(async () => {
    for (const { runtime, folders } of opened.splice(0)) {
      for (const folder of folders) await runtime.cleanup(folder);
      await runtime.close();
    }
  });
  afterAll(() => temp.close());

  const open = async (): Promise<Runtime> => {
    const runtime = await subject.open(home);
    opened.push({ runtime, folders: [] });
    return runtime;
  };
  const newFolder = async (): Promise<AttemptFolder> => {
    const runId = `01990000-0000-7000-8000-${String(process.pid * 1000 + ++runs).padStart(12, "0")}`;
    const folder = new AttemptFolder(join(home, "attempts"), { runId, ordinal: 2, attempt: 0 });
    await mkdir(folder.path, { recursive: true });
    await folder.write("order", { token: "the attempt's token" });
    await folder.prepare();
    return folder;
  };
  const launchOf = async (script: string, change: Partial<Launch> = {}): Promise<Launch> => ({
    folder: await newFolder(),
    image: subject.image,
    command: ["sh", "-c", script],
    args: [],
    environment: { PATH, GREETING: "hello" },
    limits: {},
    readable: [],
    writable: [],
    mounts: {},
    callsHost: false,
    secrets: [],
    template: create(TaskTemplateSchema),
    grant: GRANT,
    render: (words) => [...words],
    ...change,
  });
  const start = async (runtime: Runtime, script: string, change: Partial<Launch> = {}): Promise<AttemptFolder> => {
    const launch = await launchOf(script, change);
    opened.find((one) => one.runtime === runtime)?.folders.push(launch.folder);
    expect(await runtime.start(launch)).toBeUndefined();
    return launch.folder;
  };
  const logOf = (folder: AttemptFolder): string => readFileSync(folder.log, "utf8");

  test("the exit code of a command reaches its watcher", async () => {
    const runtime = await open();
    const [good, bad] = [await start(runtime, "true"), await start(runtime, "exit 3")];
    expect(await runtime.watch(good)).toEqual({ type: "exited", code: 0 });
    expect(await runtime.watch(bad)).toEqual({ type: "exited", code: 3 });
  });

  test("a task reads its inputs, writes its outputs, and its words are kept", async () => {
    const runtime = await open();
    const launch = await launchOf("");
    const { folder } = launch;
    await writeFile(join(folder.in, "inputs.pb"), "seven");
    opened[0]?.folders.push(folder);
    const script = `cp ${folder.in}/inputs.pb ${folder.out}/outputs.pb; echo "$GREETING"; echo oops >&2; touch ${folder.work}/x /tmp/y`;
    expect(await runtime.start({ ...launch, command: ["sh"], args: ["-c", script] })).toBeUndefined();
    expect(await runtime.watch(folder)).toEqual({ type: "exited", code: 0 });
    expect(await readFile(join(folder.out, "outputs.pb"), "utf8")).toBe("seven");
    expect(logOf(folder).split("\n").sort()).toEqual(["", "hello", "oops"]);
  });

  test("a task finds its secrets in files and variables, and no record of the attempt holds one", async () => {
    const runtime = await open();
    const launch = await launchOf("");
    const { folder } = launch;
    opened[0]?.folders.push(folder);
    const asked = { group: "db", version: "", mount: "any" as const, variable: null, value: null };
    const rest = { group: "db", version: "" };
    const script = `cd "$FLYTE_SECRETS_DEFAULT_DIR"; cat db/password "$PLACE"; echo " $_FSEC_DB_TOKEN"`;
    const readOnly = subject.isIsolated ? "; echo x >>db/password || echo read-only" : "";
    const failure = await runtime.start({
      ...launch,
      command: ["sh", "-c", `${script}${readOnly}`],
      grant: { ...GRANT, secrets: [{ ...asked, key: "password" }] },
      secrets: [
        {
          ...rest,
          key: "password",
          value: Buffer.from("hunter"),
          variables: [],
          file: "db/password",
          fileVariable: "PLACE",
        },
        {
          ...rest,
          key: "token",
          value: Buffer.from("tok-22"),
          variables: ["_FSEC_DB_TOKEN"],
          file: undefined,
          fileVariable: undefined,
        },
      ],
    });
    expect(failure).toBeUndefined();
    await runtime.watch(folder);
    expect(logOf(folder)).toContain("hunterhunter tok-22\n");
    if (subject.isIsolated) expect(logOf(folder)).toContain("read-only");
    const records = readdirSync(folder.path).filter((name) => name.endsWith(".json") || name === "sandbox");
    for (const name of records) expect(readFileSync(folder.file(name), "utf8")).not.toMatch(/hunter|tok-22/);
  });

  test("a task that a signal killed is told apart from one that failed", async () => {
    const runtime = await open();
    const folder = await start(runtime, "sh -c 'kill -9 $PPID'; sleep 5");
    const exit = await runtime.watch(folder);
    expect(exit.type === "killed" && exit.signal).toBe("SIGKILL");
  });

  test("a command that does not exist is a failure, not a silence", async () => {
    const runtime = await open();
    const launch = await launchOf("", { command: ["/no/such/program"] });
    opened[0]?.folders.push(launch.folder);
    const failure = await runtime.start(launch);
    if (failure) expect(failure).toMatchObject({ kind: "user", recoverable: false });
    else expect(await runtime.watch(launch.folder)).toMatchObject({ type: "exited", code: expect.any(Number) });
  });

  test("a task that hears SIGTERM ends in its own way", async () => {
    const runtime = await open();
    const folder = await start(runtime, "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    await waitFor(() => logOf(folder).includes("ready"));
    await runtime.stop(folder, 10_000);
    expect(await runtime.watch(folder)).toEqual({ type: "exited", code: 7 });
    expect(logOf(folder)).toContain("bye");
  });

  test("a task that does not hear SIGTERM is killed after the grace, with all its children", async () => {
    const runtime = await open();
    const script =
      "trap '' TERM; (while :; do sleep 0.05; done) & echo $! >$0/pid; echo ready; while :; do sleep 1; done";
    const launch = await launchOf("");
    const { folder } = launch;
    opened[0]?.folders.push(folder);
    await runtime.start({ ...launch, command: ["sh", "-c", script, folder.work] });
    await waitFor(() => logOf(folder).includes("ready"));
    await runtime.stop(folder, 1_000);
    expect(await runtime.watch(folder)).toMatchObject({ type: expect.stringMatching(/killed|vanished/) });
    const writers = readFileSync(join(folder.work, "pid"), "utf8");
    expect(await findProcesses(`SKEIN_ATTEMPT=${folder.key}`), writers).toEqual([]);
  });

  test("the next agent takes a running task over and hears of its end", async () => {
    const first = await open();
    const launch = await launchOf("");
    const { folder } = launch;
    opened[0]?.folders.push(folder);
    const script = `echo one; while [ ! -e ${folder.work}/go ]; do sleep 0.05; done; echo two; exit 4`;
    await first.start({ ...launch, command: ["sh", "-c", script] });
    await waitFor(() => logOf(folder).includes("one"));
    await first.close();
    const second = await open();
    expect(await second.adopt(folder)).toBe(true);
    const watching = second.watch(folder);
    await writeFile(join(folder.work, "go"), "");
    expect(await watching).toEqual({ type: "exited", code: 4 });
    expect(logOf(folder)).toBe("one\ntwo\n");
  });

  test("the next agent learns the exit code of a task that ended in between", async () => {
    const first = await open();
    const folder = await start(first, "echo done; exit 5");
    await first.watch(folder);
    await first.close();
    const second = await open();
    expect(await second.adopt(folder)).toBe(true);
    expect(await second.watch(folder)).toEqual({ type: "exited", code: 5 });
  });

  test("a folder for which nothing was started cannot be adopted", async () => {
    const runtime = await open();
    expect(await runtime.adopt(await newFolder())).toBe(false);
  });

  test("letting go of a runtime does not end its tasks", async () => {
    const runtime = await open();
    const folder = await start(runtime, "sleep 30");
    const watching = runtime.watch(folder);
    const refused = expect(watching).rejects.toThrow();
    await runtime.close();
    await refused;
    const next = await open();
    expect(await next.adopt(folder)).toBe(true);
    await next.cleanup(folder);
    expect((await next.watch(folder)).type).not.toBe("exited");
  });

  test("a task's environment and descriptors are its own and nothing else", async () => {
    const runtime = await open();
    const script = "env | cut -d= -f1 | sort; echo --; for fd in /proc/self/fd/*; do readlink $fd; done";
    const folder = await start(runtime, script);
    await runtime.watch(folder);
    const [names = "", descriptors = ""] = logOf(folder).split("--\n");
    const allowed = ["GREETING", "HOME", "HOSTNAME", "PATH", "PWD", "SHLVL", "SKEIN_ATTEMPT", "_", "OLDPWD"];
    expect(
      names
        .trim()
        .split("\n")
        .filter((name) => !allowed.includes(name)),
    ).toEqual([]);
    const foreign = descriptors
      .trim()
      .split("\n")
      .filter((path) => !/^(\/dev\/null|\/proc\/.*|pipe:.*|.*\/log)$/.test(path));
    expect(foreign).toEqual([]);
  });

  if (!subject.isIsolated) return;

  test("an isolated task sees neither the agent's files nor other processes", async () => {
    const runtime = await open();
    const folder = await newFolder();
    const script = [
      `cat ${folder.path}/order.json ${home}/agent-id && echo LEAK`,
      `echo x >${home}/evil`,
      `echo x >${folder.in}/evil && echo LEAK`,
      `ls /run/docker.sock /var/run/docker.sock && echo LEAK`,
      `echo processes $(ls /proc | grep -c '^[0-9]')`,
    ].join("\n");
    await writeFile(join(home, "agent-id"), "secret");
    opened[0]?.folders.push(folder);
    const launch = await launchOf(script);
    await runtime.start({ ...launch, folder });
    await runtime.watch(folder);
    const log = logOf(folder);
    expect(log).not.toContain("LEAK");
    expect(log).not.toContain("the attempt's token");
    expect(existsSync(join(home, "evil"))).toBe(false);
    expect(Number(/processes (\d+)/.exec(log)?.[1])).toBeLessThan(12);
  });

  test("an isolated task has no capability and no way to gain one", async () => {
    const runtime = await open();
    const folder = await start(runtime, "grep -E '^(Cap(Prm|Eff|Inh|Amb)|NoNewPrivs)' /proc/self/status");
    await runtime.watch(folder);
    const none = "0000000000000000";
    expect(
      Object.fromEntries(
        logOf(folder)
          .trim()
          .split("\n")
          .map((line) => line.split(":\t")),
      ),
    ).toEqual({
      CapPrm: none,
      CapEff: none,
      CapInh: none,
      CapAmb: none,
      NoNewPrivs: "1",
    });
  });

  test("file storage is readable, and writable only where the attempt may write", async () => {
    const runtime = await open();
    const storage = join(temp.path, "storage");
    const raw = join(storage, "raw", "ab", "run-n0-0");
    await mkdir(raw, { recursive: true });
    await openUp(raw);
    await writeFile(join(storage, "code.tar.gz"), "code");
    const folder = await start(
      runtime,
      `cat ${storage}/code.tar.gz; echo big >${raw}/data && echo; echo x >${storage}/evil && echo LEAK`,
      { readable: [storage], writable: [raw] },
    );
    await runtime.watch(folder);
    expect(logOf(folder)).toContain("code\n");
    expect(logOf(folder)).not.toContain("LEAK");
    expect(await readFile(join(raw, "data"), "utf8")).toBe("big\n");
  });
}

import { readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ClaimGrant } from "@skein/contracts";
import { fromBytes, toBytes } from "@skein/idl";
import { LiteralMapSchema, TaskExecution_Phase as Phase, type TaskTemplate, TaskTemplateSchema } from "@skein/idl/core";
import { openStorage, type Storage } from "@skein/storage";
import { openLogger } from "@skein/telemetry";
import { createCertificates, createTempFolder, freePort, integerInputs, waitFor } from "@skein/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Exit } from "../runtimes/runtime.ts";
import { collect } from "../task/collect.ts";
import { ConnectorClient } from "./connector-client.ts";
import { type ConnectorConfig, readConnectors } from "./connector-config.ts";
import { isAway } from "./connector-errors.ts";
import { connectorPlace } from "./connector-place.ts";
import { ConnectorRegistry } from "./connector-registry.ts";
import { ConnectorRuntime } from "./connector-runtime.ts";
import { prepareConnectorLaunch } from "./connector-task.ts";
import { ConnectorCode, connectorError, openScriptedConnector, type ScriptedConnector } from "./scripted-connector.ts";

const LONG = { timeoutMs: 10_000 };
const SUCCEEDED = { phase: Phase.SUCCEEDED, outputs: integerInputs({ o0: 7 }) };
const OUTPUT = { type: { type: { case: "simple" as const, value: 1 } } };
const TEMPLATE = {
  type: "job",
  id: { name: "t" },
  interface: { outputs: { variables: { o0: OUTPUT } } },
} satisfies MessageInitShape<typeof TaskTemplateSchema>;

const temp = createTempFolder("connectors");
const logger = openLogger({ name: "connectors", level: "silent" });
const waiting: string[] = [];
let storage: Storage;
let connector: ScriptedConnector;
const runtimes: ConnectorRuntime[] = [];
let attempts = 0;

beforeAll(async () => {
  storage = await openStorage({ uri: `file://${temp.path}/storage` });
});
beforeEach(async () => {
  waiting.length = 0;
  connector = await openScriptedConnector();
});
afterEach(async () => {
  for (const runtime of runtimes.splice(0)) await runtime.close();
  await connector.close();
});
afterAll(async () => {
  storage?.close();
  await temp.close();
});

interface Opened {
  readonly runtime: ConnectorRuntime;
  readonly registry: ConnectorRegistry;
}
/** As a new agent process would. */
function openRuntime(change: object = {}, port = connector.port): Opened {
  const entry = { name: "c", endpoint: `127.0.0.1:${port}`, pollSeconds: 0.1, ...change };
  const clients = readConnectors(JSON.stringify([entry])).map((config) => new ConnectorClient(config, () => undefined));
  const registry = new ConnectorRegistry(clients, logger);
  const runtime = new ConnectorRuntime({ registry, storage, logger });
  runtime.onWaiting = (_, reason) => waiting.push(reason);
  runtimes.push(runtime);
  registry.open();
  return { runtime, registry };
}

/** An attempt that was granted, on a disk of its own if asked. */
async function newAttempt(template: MessageInitShape<typeof TaskTemplateSchema> = TEMPLATE) {
  attempts += 1;
  const runId = `01990000-0000-7000-8000-${String(attempts).padStart(12, "0")}`;
  const message = create(TaskTemplateSchema, template);
  const grant: ClaimGrant = {
    taskTemplate: Buffer.from(toBytes(TaskTemplateSchema, message)).toString("base64"),
    inputs: {
      data: Buffer.from(toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ x: 41 })))).toString(
        "base64",
      ),
    },
    org: "",
    project: "p",
    domain: "d",
    runName: `run${attempts}`,
    actionName: "n0",
    workflowKey: "p:d:w",
    environment: { MODE: "test" },
    outputPrefix: storage.join(`meta/run${attempts}/n0/1`),
    rawOutputPrefix: storage.join(`raw/run${attempts}`),
    previousCheckpointPrefix: null,
    arrayIndex: null,
    platform: null,
    secrets: [],
    storeCredentials: null,
    labels: { team: "blue" },
    annotations: {},
    interruptible: false,
    serviceAccount: "worker",
    timeoutMs: 0,
  };
  const folder = await newFolder(runId, grant, "disk");
  return { runId, grant, folder };
}
async function newFolder(runId: string, grant: ClaimGrant, disk: string): Promise<AttemptFolder> {
  const folder = new AttemptFolder(join(temp.path, disk), { runId, ordinal: 2, attempt: 1 });
  await mkdir(folder.path, { recursive: true });
  await folder.prepare();
  await folder.write("grant", grant);
  return folder;
}
type Attempt = Awaited<ReturnType<typeof newAttempt>>;

async function start({ runtime }: Opened, { folder, grant }: Attempt): Promise<void> {
  await runtime.start(await prepareConnectorLaunch(folder, grant, connectorPlace(storage)));
}
const failureOf = (exit: Exit) => (exit.type === "failed" ? exit.failure : undefined);
const logOf = ({ folder }: Attempt): string => readFileSync(folder.log, "utf8");
const asked = (job: string): number => connector.gets.get(job) ?? 0;
const collected = ({ folder, grant }: Attempt, exit: Exit) =>
  collect(folder, exit, { place: connectorPlace(storage), grant, outputBytesMax: 1e6, startedAtMs: 1, endedAtMs: 2 });

test("a connector is told what Flyte tells, and what it answers is the attempt's", async () => {
  connector.answers.push(
    { phase: Phase.QUEUED, message: "in line" },
    { phase: Phase.RUNNING, logLinks: [{ name: "Job", uri: "https://jobs/1" }] },
    SUCCEEDED,
  );
  connector.log = ["one", "two", "three"];
  const container = { image: "i", args: ["{{.inputs.x}}", "{{ .outputPrefix }}", "{{.input}}"] };
  const attempt = await newAttempt({ ...TEMPLATE, target: { case: "container", value: container } });
  const { folder, grant } = attempt;
  const opened = openRuntime();
  await start(opened, attempt);
  expect(await opened.runtime.whenRunning(folder)).toBeGreaterThan(0);
  const exit = await opened.runtime.watch(folder);
  expect(exit).toEqual({ type: "exited", code: 0 });
  const outcome = await collected(attempt, exit);
  const data = outcome.type === "succeeded" && "data" in outcome.outputs ? outcome.outputs.data : "";
  expect(fromBytes(LiteralMapSchema, Buffer.from(data, "base64"))).toMatchObject(
    create(LiteralMapSchema, SUCCEEDED.outputs),
  );
  expect(waiting).toContain("The connector's task is queued: in line");
  const [asks] = connector.created;
  const { case: kind, value } = asks?.template?.target ?? {};
  expect([kind, (value as { args?: string[] }).args]).toEqual([
    "container",
    ["41", grant.outputPrefix, `${grant.outputPrefix}/inputs.pb`],
  ]);
  expect(await storage.head(`${grant.outputPrefix}/inputs.pb`)).toBeDefined();
  expect(Object.keys(asks?.inputs?.literals ?? {})).toEqual(["x"]);
  expect(asks).toMatchObject({
    outputPrefix: grant.outputPrefix,
    taskExecutionMetadata: {
      taskExecutionId: { taskId: { name: "t" }, retryAttempt: 1, nodeExecutionId: { nodeId: "n0" } },
      namespace: "p-d",
      labels: { team: "blue", "execution-id": grant.runName },
      environmentVariables: { MODE: "test" },
      k8sServiceAccount: "worker",
      identity: { k8sServiceAccount: "worker" },
    },
  });
  const lines = logOf(attempt).trim().split("\n");
  expect(lines.filter((line) => !line.startsWith("["))).toEqual(["one", "two", "three"]);
  expect(lines).toEqual(expect.arrayContaining(["[connector] in line", "[connector] Job: https://jobs/1"]));
  await opened.runtime.cleanup(folder);
  expect(connector.deleted).toEqual([]);
});

test("a task waits for a connector that is away, and says so", async () => {
  const port = await freePort();
  const opened = openRuntime({}, port);
  const attempt = await newAttempt();
  await start(opened, attempt);
  await waitFor(() => waiting.some((reason) => /have not answered yet: c \(.*ECONNREFUSED/.test(reason)), LONG);
  const late = await openScriptedConnector(port);
  late.createErrors.push(connectorError(ConnectorCode.Unavailable, "starting up"));
  late.answers.push(SUCCEEDED);
  expect(await opened.runtime.watch(attempt.folder)).toMatchObject({ type: "exited" });
  expect(waiting.at(-1)).toMatch(/connector c does not answer, it is asked again: .*starting up/);
  expect(late.created).toHaveLength(2);
  await late.close();
});

test("a task that was made goes on with the next process, on this disk or another, and nothing is made twice", async () => {
  connector.answers.push({ phase: Phase.RUNNING });
  const attempt = await newAttempt();
  const first = openRuntime();
  await start(first, attempt);
  await first.runtime.whenRunning(attempt.folder);
  await first.runtime.close();
  const second = openRuntime();
  expect(await second.runtime.adopt(attempt.folder)).toBe(true);
  const before = asked("job-1");
  await waitFor(() => asked("job-1") > before, LONG);
  await second.runtime.close();
  const elsewhere = { ...attempt, folder: await newFolder(attempt.runId, attempt.grant, "other-disk") };
  const third = openRuntime();
  expect(await third.runtime.adopt(elsewhere.folder)).toBe(true);
  connector.answers.push(SUCCEEDED);
  expect(await third.runtime.watch(elsewhere.folder)).toMatchObject({ type: "exited" });
  expect(connector.created).toHaveLength(1);
  // Nothing was made for this one.
  expect(await third.runtime.adopt((await newAttempt()).folder)).toBe(false);
});

test("what must end is deleted, again until that works", async () => {
  connector.answers.push({ phase: Phase.RUNNING });
  connector.deleteErrors.push(connectorError(ConnectorCode.Internal, "not now"));
  const [attempt, settled] = [await newAttempt(), await newAttempt()];
  const opened = openRuntime();
  await start(opened, attempt);
  await opened.runtime.whenRunning(attempt.folder);
  await opened.runtime.stop(attempt.folder);
  expect(await opened.runtime.watch(attempt.folder)).toMatchObject({ type: "vanished" });
  await opened.runtime.cleanup(attempt.folder);
  expect(connector.deleted).toEqual(["job-1", "job-1"]);
  // One of an earlier process that nobody asks after any more.
  await start(opened, settled);
  await opened.runtime.whenRunning(settled.folder);
  await opened.runtime.close();
  await openRuntime().runtime.cleanup(settled.folder);
  expect(connector.deleted.slice(2)).toEqual(["job-2"]);
});

test("what was not made yet is stopped at once", async () => {
  const opened = openRuntime({}, await freePort());
  const attempt = await newAttempt();
  await start(opened, attempt);
  await waitFor(() => waiting.length > 0, LONG);
  await opened.runtime.stop(attempt.folder);
  expect(await opened.runtime.watch(attempt.folder)).toMatchObject({ type: "vanished" });
  expect(await opened.runtime.whenRunning(attempt.folder)).toBeUndefined();
});

test("a connector that would not make a task spends a try of the task's own", async () => {
  connector.createErrors.push(connectorError(ConnectorCode.Internal, "no quota"));
  const attempt = await newAttempt();
  const opened = openRuntime();
  await start(opened, attempt);
  expect(failureOf(await opened.runtime.watch(attempt.folder))).toEqual({
    code: "TaskFailedWithError",
    message: "failed to create task from connector with [internal] no quota",
    kind: "user",
    recoverable: true,
  });
});

test("a connector that cannot say how a task is loses it after a while, and is told to delete it", async () => {
  const broken = connectorError(ConnectorCode.Internal, "lost my notes");
  const away = connectorError(ConnectorCode.Unavailable, "rolling out");
  connector.answers.push(away, away, away, away, away, away, broken);
  const attempt = await newAttempt();
  const opened = openRuntime();
  await start(opened, attempt);
  const failure = failureOf(await opened.runtime.watch(attempt.folder));
  expect(failure).toMatchObject({ code: "ConnectorFailed", kind: "system", recoverable: true });
  expect(failure?.message).toMatch(/failed 5 times .*lost my notes/);
  expect(asked("job-1")).toBe(11);
  await opened.runtime.cleanup(attempt.folder);
  expect(connector.deleted).toEqual(["job-1"]);
});

test("what a failed task left behind counts for nothing, and a log that cannot be had ends no task", async () => {
  connector.logError = connectorError(ConnectorCode.Unknown, "");
  connector.answers.push({ phase: Phase.RUNNING }, { phase: Phase.FAILED, message: "it broke" });
  const attempt = await newAttempt();
  await storage.put(`${attempt.grant.outputPrefix}/outputs.pb`, toBytes(LiteralMapSchema, create(LiteralMapSchema)));
  const opened = openRuntime();
  await start(opened, attempt);
  const exit = await opened.runtime.watch(attempt.folder);
  expect(await collected(attempt, exit)).toMatchObject({ type: "failed", failure: { recoverable: false } });
  expect(logOf(attempt)).toContain("[connector] it broke\n");
});

test("a task of one call succeeds, fails, breaks off and is cut off", async () => {
  connector.agents = [{ name: "a", isSync: true, supportedTaskCategories: [{ name: "job", version: 0 }] }];
  const opened = openRuntime();
  const run = async (execute: ScriptedConnector["execute"]) => {
    connector.execute = execute;
    const attempt = await newAttempt();
    await start(opened, attempt);
    return { attempt, exit: await opened.runtime.watch(attempt.folder) };
  };
  const done = await run(async ([header, inputs]) => {
    if (header?.part.case !== "header" || inputs?.part.case !== "inputs") throw new Error("out of order");
    return SUCCEEDED;
  });
  expect(await collected(done.attempt, done.exit)).toMatchObject({ type: "succeeded" });
  const refused = await run(() => Promise.reject(connectorError(ConnectorCode.Internal, "bad prompt")));
  expect(failureOf(refused.exit)).toMatchObject({ kind: "user", recoverable: true });
  const brokenOff = await run(() => Promise.reject(connectorError(ConnectorCode.Unavailable, "gone")));
  expect(failureOf(brokenOff.exit)).toMatchObject({ code: "ConnectorFailed", kind: "system" });
  let isCut = false;
  connector.execute = (_, signal) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        isCut = true;
        resolve({});
      });
    });
  const attempt = await newAttempt();
  await start(opened, attempt);
  await opened.runtime.whenRunning(attempt.folder);
  await opened.runtime.stop(attempt.folder);
  expect(await opened.runtime.watch(attempt.folder)).toMatchObject({ type: "vanished" });
  await waitFor(() => isCut, LONG);
  expect(connector.created).toEqual([]);
});

test("who serves a task is what connectors say, unless the configuration says more", async () => {
  connector.agents = [
    { name: "old", supportedTaskTypes: ["old", "job"] },
    { name: "a", supportedTaskTypes: ["job"], supportedTaskCategories: [{ name: "job", version: 2 }] },
  ];
  const { registry, runtime } = openRuntime({ taskTypes: ["named"] });
  const of = (type: string, taskTypeVersion = 0, hasContainer = false): TaskTemplate => {
    const target = hasContainer ? { target: { case: "container" as const, value: {} } } : {};
    return create(TaskTemplateSchema, { type, taskTypeVersion, ...target });
  };
  // Nobody was heard of yet: only people's own containers do not wait.
  expect([registry.maySomeServe(of("job", 2)), registry.maySomeServe(of("python-task", 0, true))]).toEqual([
    true,
    false,
  ]);
  await waitFor(() => registry.find(of("job", 2)), LONG);
  expect([of("old"), of("named", 5), of("job", 1), of("other")].map((one) => registry.find(one)?.client.name)).toEqual([
    "c",
    "c",
    undefined,
    undefined,
  ]);
  const attempt = await newAttempt({ type: "other", taskTypeVersion: 3 });
  await runtime.start(await prepareConnectorLaunch(attempt.folder, attempt.grant, connectorPlace(storage)));
  expect(failureOf(await runtime.watch(attempt.folder))).toMatchObject({
    code: "InvalidTask",
    message: expect.stringContaining('type "other", version 3'),
    recoverable: false,
  });
});

test("a connector may close its connections at any time", async () => {
  const client = new ConnectorClient(
    readConnectors(`127.0.0.1:${connector.port}`)[0] as ConnectorConfig,
    () => undefined,
  );
  const { signal } = new AbortController();
  for (let round = 0; round < 50; round += 1) {
    await client.list(signal);
    connector.sayGoodbye();
    // Before, while and after the goodbye arrives.
    for (let turns = 0; turns < round % 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    await client.list(signal).catch((error) => expect(isAway(error)).toBe(true));
  }
  client.close();
});

test("a connector must prove who it is, and is shown a token that may change", async () => {
  const certificates = createCertificates();
  const guarded = await openScriptedConnector(0, certificates.issue("connector"));
  const tokenFile = join(temp.path, "token");
  writeFileSync(tokenFile, "first\n");
  const endpoint = `https://127.0.0.1:${guarded.port}`;
  const attempt = await newAttempt();
  const stranger = openRuntime({ endpoint });
  await start(stranger, attempt);
  await waitFor(() => waiting.some((reason) => /unable to verify|self.signed|certificate/i.test(reason)), LONG);
  expect(guarded.shown).toEqual([]);
  openRuntime({ endpoint, caFile: certificates.authorityFile, tokenFile });
  await waitFor(() => guarded.shown.length > 0, LONG);
  expect(guarded.shown[0]).toBe("Bearer first");
  await stranger.runtime.close();
  await guarded.close();
  await certificates.close();
});

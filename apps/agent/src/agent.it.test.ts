import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type AttemptOrder, type AttemptReport, attemptKey, type ClaimGrant } from "@skein/contracts";
import { toBytes } from "@skein/idl";
import { DynamicJobSpecSchema, LiteralMapSchema, SimpleType, TaskTemplateSchema } from "@skein/idl/core";
import { openQueues, type Queues } from "@skein/queue";
import {
  createTempFolder,
  INSTALL_REDIS,
  integerInputs,
  requireTool,
  startRedis,
  type TestRedis,
  waitFor,
} from "@skein/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openScriptedApi, SCRIPTED_TOKEN, type ScriptedApi } from "./scripted-api.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const LONG = { timeoutMs: 20_000 };
const hasRedis = requireTool("redis-server", INSTALL_REDIS) !== undefined;

describe.skipIf(!hasRedis)("an agent", () => {
  const temp = createTempFolder("agent");
  let redis: TestRedis;
  let queues: Queues;
  let api: ScriptedApi;
  let agents: ChildProcess[] = [];
  let reports: AttemptReport[] = [];
  let home = "";
  let runs = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });
  beforeEach(async () => {
    runs += 1;
    home = join(temp.path, `home${runs}`);
    reports = [];
    api = await openScriptedApi();
    queues = await openQueues({ redisUrl: redis.url, prefix: `t${runs}`, onError: () => undefined });
    await queues.consumeReports(0, async (batch) => void reports.push(...batch));
  });
  afterEach(async () => {
    for (const agent of agents) agent.kill("SIGKILL");
    agents = [];
    await queues.close();
    await api.close();
  });
  afterAll(async () => {
    await redis?.close();
    await temp.close();
  });

  const startAgentProcess = (change: Record<string, string> = {}): ChildProcess => {
    const env = {
      PATH: process.env.PATH ?? "",
      REDIS_URL: redis.url,
      SKEIN_QUEUE_PREFIX: `t${runs}`,
      SKEIN_API_URL: api.url,
      SKEIN_AGENT_TOKEN: SCRIPTED_TOKEN,
      SKEIN_AGENT_HOME: home,
      SKEIN_STORAGE: `file://${temp.path}/storage`,
      SKEIN_AGENT_SLOTS: "2",
      SKEIN_ISOLATION: "none",
      SECRET_OF_THE_SERVER: "sesame",
      ...change,
    };
    const leaked = openSync(MAIN, "r");
    const agent = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "inherit", "inherit", leaked, leaked] });
    closeSync(leaked);
    agents.push(agent);
    return agent;
  };

  const newOrder = (script: string, change: Partial<AttemptOrder> = {}): AttemptOrder => {
    const suffix = String(process.pid * 1000 + agents.length + api.grants.size + runs * 10).padStart(12, "0");
    const order: AttemptOrder = {
      runId: `01990000-0000-7000-8000-${suffix}`,
      ordinal: 2,
      attempt: 0,
      kind: "container",
      shard: 0,
      token: `token-of-the-attempt-${suffix}`,
      ...change,
    };
    api.grants.set(attemptKey(order), grantOf(script, order));
    return order;
  };
  const grantOf = (
    script: string,
    order: AttemptOrder,
    change: MessageInitShape<typeof TaskTemplateSchema> = {},
    dataConfig = {},
  ): ClaimGrant => {
    const value = { image: "busybox", command: ["sh", "-c"], args: [script], dataConfig };
    const target = { case: "container" as const, value };
    const template = create(TaskTemplateSchema, { type: "raw-container", target, ...change });
    return {
      taskTemplate: Buffer.from(toBytes(TaskTemplateSchema, template)).toString("base64"),
      inputs: { data: "" },
      org: "",
      project: "p",
      domain: "d",
      runName: order.runId,
      actionName: "n0",
      workflowKey: "p:d:w",
      environment: { FROM_RUN: "yes" },
      outputPrefix: `file://${temp.path}/storage/meta/p/d/${order.runId}/n0/0`,
      rawOutputPrefix: `file://${temp.path}/storage/raw/ab/${order.runId}-n0-0`,
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
  };
  const outcomesOf = (order: AttemptOrder) =>
    reports.filter((report) => attemptKey(report) === attemptKey(order)).map((report) => report.outcome);
  const finalOf = (order: AttemptOrder) =>
    waitFor(() => outcomesOf(order).find(({ type }) => type !== "started"), { ...LONG, what: "an outcome" });
  const attemptFolders = (): string[] =>
    existsSync(join(home, "attempts")) ? readdirSync(join(home, "attempts")) : [];

  test("an echo is answered with its inputs, without a claim", async () => {
    startAgentProcess();
    const inputs = Buffer.from("seven").toString("base64");
    const order = newOrder("", { kind: "echo", inputs });
    await queues.publishOrders("default", "instant", [order]);
    expect(await finalOf(order)).toMatchObject({ type: "succeeded", outputs: { data: inputs } });
    expect(api.claims).toEqual([]);
  });

  test("a task is claimed, run, logged, reported until settled, and then forgotten", async () => {
    startAgentProcess();
    const order = newOrder("echo working; echo $FROM_RUN");
    await queues.publishOrders("default", "slot", [order]);
    expect(await finalOf(order)).toMatchObject({ type: "succeeded", outputs: { data: "" } });
    await waitFor(() => outcomesOf(order).some(({ type }) => type === "started"));
    await waitFor(() => api.logOf(order) === "working\nyes\n");
    await waitFor(() => outcomesOf(order).filter(({ type }) => type === "succeeded").length > 1, LONG);
    expect(attemptFolders()).toEqual([attemptKey(order)]);
    const { runId, ordinal, attempt } = order;
    api.settled.push({ runId, ordinal, attempt });
    await waitFor(() => attemptFolders().length === 0);
  });

  test("a raw container finds its inputs as files and leaves its outputs so", async () => {
    startAgentProcess();
    const order = newOrder("");
    const variable = { type: { type: { case: "simple" as const, value: SimpleType.INTEGER } } };
    const script = "expr $(cat /var/flyte/inputs/x) + 1 >/var/flyte/outputs/y";
    const grant = grantOf(script, order, { interface: { outputs: { variables: { y: variable } } } }, { enabled: true });
    const inputs = Buffer.from(toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ x: 41 }))));
    api.grants.set(attemptKey(order), { ...grant, inputs: { data: inputs.toString("base64") } });
    await queues.publishOrders("default", "slot", [order]);
    const expected = toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ y: 42 })));
    const data = Buffer.from(expected).toString("base64");
    expect(await finalOf(order)).toMatchObject({ type: "succeeded", outputs: { data } });
  });

  test("a deck is shown while its task still runs, and the last one stays", async () => {
    startAgentProcess();
    const go = join(temp.path, "deck-go");
    const order = newOrder("");
    const script = `echo one >$0/deck.html; while [ ! -e ${go} ]; do sleep 0.05; done; echo two >$0/deck.html`;
    const grant = grantOf(script.replaceAll("$0", "{{.outputPrefix}}"), order, { metadata: { generatesDeck: true } });
    api.grants.set(attemptKey(order), grant);
    await queues.publishOrders("default", "slot", [order]);
    const { runId, ordinal, attempt } = order;
    const announced = () => api.heartbeats.flatMap(({ decks }) => decks);
    await waitFor(() => announced().length > 0, LONG);
    const deckUri = `${grant.outputPrefix}/deck.html`;
    const stored = () => readFileSync(deckUri.slice("file://".length), "utf8");
    expect(stored()).toBe("one\n");
    writeFileSync(go, "");
    expect(await finalOf(order)).toMatchObject({ type: "succeeded", deckUri });
    expect(stored()).toBe("two\n");
    expect(announced()).toEqual([{ runId, ordinal, attempt }]);
  });

  test("a workflow that a task wrote is stored without the task's own folders, and reported", async () => {
    startAgentProcess();
    const order = newOrder("");
    const work = join(home, "attempts", attemptKey(order), "work");
    const specIn = (folder: string) => {
      const value = { args: ["pyflyte-fast-execute", "--dest-dir", folder] };
      const spec = { nodes: [{ id: "n0" }], tasks: [{ target: { case: "container" as const, value } }] };
      return Buffer.from(toBytes(DynamicJobSpecSchema, create(DynamicJobSpecSchema, spec)));
    };
    const script = `echo ${specIn(work).toString("base64")} | base64 -d >{{.outputPrefix}}/futures.pb`;
    const grant = grantOf(script, order);
    api.grants.set(attemptKey(order), grant);
    await queues.publishOrders("default", "slot", [order]);
    const portable = specIn(".");
    const futures = { uri: `${grant.outputPrefix}/futures.pb`, sizeBytes: portable.length };
    expect(await finalOf(order)).toMatchObject({ type: "succeeded", outputs: { data: "" }, futures });
    expect(readFileSync(futures.uri.slice("file://".length)).equals(portable)).toBe(true);
  });

  test("a workflow that a task wrote only in part is the platform's failure", async () => {
    startAgentProcess();
    const order = newOrder("printf x >{{.outputPrefix}}/futures.pb");
    await queues.publishOrders("default", "slot", [order]);
    const failure = { code: "FuturesInvalid", kind: "system", recoverable: true };
    expect(await finalOf(order)).toMatchObject({ type: "failed", failure });
  });

  test("an item knows its index, and one of a former map leaves its outputs in a folder of that name", async () => {
    startAgentProcess();
    const order = newOrder("");
    const outputs = Buffer.from(toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ o0: 7 }))));
    const index = "$(printenv $BATCH_JOB_ARRAY_INDEX_VAR_NAME)";
    const script = `mkdir {{.outputPrefix}}/${index} && echo ${outputs.toString("base64")} | base64 -d >{{.outputPrefix}}/${index}/outputs.pb`;
    const grant = grantOf(script, order, { type: "container_array" });
    api.grants.set(attemptKey(order), { ...grant, arrayIndex: 5 });
    await queues.publishOrders("default", "slot", [order]);
    expect(await finalOf(order)).toMatchObject({ type: "succeeded", outputs: { data: outputs.toString("base64") } });
  });

  test("a client of the server leaves its slot to the work that it waits for, also under the next agent", async () => {
    const slots = { SKEIN_AGENT_SLOTS: "1", SKEIN_AGENT_CLIENT_SLOTS: "1" };
    const first = startAgentProcess(slots);
    const marks = (name: string) => join(temp.path, `client-${name}`);
    const waitsFor = (name: string) => `while [ ! -e ${marks(name)} ]; do sleep 0.05; done`;
    const client = newOrder(`echo $FLYTE_PLATFORM_URL; ${waitsFor("b")}`);
    const grant = api.grants.get(attemptKey(client));
    if (grant) api.grants.set(attemptKey(client), { ...grant, platform: { token: null } });
    await queues.publishOrders("default", "slot", [client]);
    await waitFor(() => api.logOf(client) === `${new URL(api.url).host}\n`, LONG);
    const step = newOrder(`touch ${marks("a")}`, { ordinal: 3 });
    await queues.publishOrders("default", "slot", [step]);
    expect(await finalOf(step)).toMatchObject({ type: "succeeded" });
    first.kill("SIGKILL");
    await once(first, "exit");
    startAgentProcess(slots);
    const next = newOrder(`touch ${marks("b")}`, { ordinal: 4 });
    await queues.publishOrders("default", "slot", [next]);
    expect(await finalOf(client)).toMatchObject({ type: "succeeded" });
  });

  test("an order that comes twice is started once", async () => {
    startAgentProcess();
    const order = newOrder(`echo x >>${temp.path}/twice`);
    await queues.publishOrders("default", "slot", [order]);
    await finalOf(order);
    await queues.publishOrders("default", "slot", [order]);
    const next = newOrder("true", { ordinal: 3 });
    await queues.publishOrders("default", "slot", [next]);
    await finalOf(next);
    expect(readFileSync(join(temp.path, "twice"), "utf8")).toBe("x\n");
    expect(api.claims.filter((key) => key === attemptKey(order))).toHaveLength(1);
  });

  test("an attempt whose claim is refused starts nothing and leaves nothing", async () => {
    startAgentProcess();
    const order = newOrder(`touch ${temp.path}/refused`);
    api.grants.clear();
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => api.claims.length > 0 && attemptFolders().length === 0, LONG);
    expect(existsSync(join(temp.path, "refused"))).toBe(false);
    expect(outcomesOf(order)).toEqual([]);
  });

  test("an attempt that a heartbeat's answer stops ends and is reported stopped", async () => {
    startAgentProcess();
    const order = newOrder("echo on; sleep 60");
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => api.logOf(order) === "on\n", LONG);
    const { runId, ordinal, attempt } = order;
    api.stop.push({ runId, ordinal, attempt });
    expect(await finalOf(order)).toMatchObject({ type: "stopped" });
  });

  test("an agent that was killed finds its running task again and reports how it ended", async () => {
    const first = startAgentProcess();
    const order = newOrder(
      `echo once >>${temp.path}/adopted; echo on; while [ ! -e ${temp.path}/go ]; do sleep 0.1; done; exit 9`,
    );
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => api.logOf(order) === "on\n", LONG);
    first.kill("SIGKILL");
    await once(first, "exit");
    const before = api.heartbeats.length;
    startAgentProcess();
    await waitFor(() => api.heartbeats.length > before, LONG);
    expect(api.heartbeats[before]?.attempts.map(attemptKey)).toEqual([attemptKey(order)]);
    expect(outcomesOf(order).filter(({ type }) => type !== "started")).toEqual([]);
    writeFileSync(join(temp.path, "go"), "");
    expect(await finalOf(order)).toMatchObject({ type: "failed", failure: { code: "NonZeroExit" } });
    expect(readFileSync(join(temp.path, "adopted"), "utf8")).toBe("once\n");
  });

  test("a task that ended while no agent was there is reported by the next one", async () => {
    const first = startAgentProcess();
    const order = newOrder(`echo on; while [ -d /proc/$AGENT ]; do sleep 0.05; done; exit 4`);
    api.grants.set(attemptKey(order), {
      ...(api.grants.get(attemptKey(order)) as ClaimGrant),
      environment: { AGENT: `${first.pid}` },
    });
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => api.logOf(order) === "on\n", LONG);
    first.kill("SIGKILL");
    await once(first, "exit");
    await waitFor(() => existsSync(join(home, "attempts", attemptKey(order), "exit")));
    startAgentProcess();
    expect(await finalOf(order)).toMatchObject({ type: "failed", failure: { code: "NonZeroExit" } });
  });

  test("nothing of the agent's environment and descriptors reaches a task", async () => {
    startAgentProcess();
    const order = newOrder("env; for fd in /proc/self/fd/*; do readlink $fd; done");
    await queues.publishOrders("default", "slot", [order]);
    await finalOf(order);
    const log = await waitFor(() => api.logOf(order));
    expect(log).toContain("FLYTE_INTERNAL_EXECUTION_ID=");
    for (const secret of ["sesame", SCRIPTED_TOKEN, "redis://", "main.ts", "socket:", order.token])
      expect(log).not.toContain(secret);
  });

  test("secrets are hidden in logs and failures, also by the next agent, and are in no record", async () => {
    const own = { SKEIN_AGENT_SECRETS_SOURCES: "env:TASK_SECRET_", TASK_SECRET_P__DB__TOKEN: "token-of-the-agent" };
    const first = startAgentProcess(own);
    const go = join(temp.path, "secrets-go");
    const order = newOrder("");
    const script = `echo "$_FSEC_DB_KEY and $(cat $FLYTE_SECRETS_DEFAULT_DIR/db/token)"; while [ ! -e ${go} ]; do sleep 0.05; done; echo "$_FSEC_DB_KEY" >&2; exit 3`;
    const asked = { group: "db", version: "", variable: null };
    const secrets: ClaimGrant["secrets"] = [
      { ...asked, key: "key", mount: "variable", value: Buffer.from("hunter22").toString("base64") },
      { ...asked, key: "token", mount: "file", value: null },
    ];
    api.grants.set(attemptKey(order), { ...grantOf(script, order), secrets });
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => api.logOf(order) === "*** and ***\n", LONG);
    const folder = join(home, "attempts", attemptKey(order));
    const records = () => readdirSync(folder).filter((name) => name.endsWith(".json"));
    const texts = () => records().map((name) => readFileSync(join(folder, name), "utf8"));
    expect(records()).toContain("grant.json");
    for (const text of texts()) expect(text).not.toMatch(/hunter22|aHVudGVyMjI|token-of-the-agent/);
    first.kill("SIGKILL");
    await once(first, "exit");
    // The next one asks for the values before it sends a word of what was printed.
    api.later.set(attemptKey(order), "the vault does not answer");
    writeFileSync(go, "");
    await waitFor(() => existsSync(join(folder, "exit")), LONG);
    const asks = api.claims.length;
    startAgentProcess(own);
    await waitFor(() => api.claims.length > asks + 1, LONG);
    expect([api.logOf(order), outcomesOf(order).length]).toEqual(["*** and ***\n", 1]);
    api.later.clear();
    const outcome = await finalOf(order);
    expect(outcome).toMatchObject({ type: "failed", failure: { code: "NonZeroExit" } });
    await waitFor(() => api.logOf(order) === "*** and ***\n***\n", LONG);
    expect(JSON.stringify(outcome)).toContain("***");
    for (const text of [JSON.stringify(reports), ...texts()]) expect(text).not.toMatch(/hunter22|token-of-the-agent/);
  });

  test("SIGTERM ends the agent cleanly and leaves what still runs to the next one", async () => {
    const first = startAgentProcess({ SKEIN_DRAIN_SECONDS: "0" });
    const order = newOrder("echo on; sleep 60");
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => api.logOf(order) === "on\n", LONG);
    first.kill("SIGTERM");
    expect(await once(first, "exit")).toEqual([0, null]);
    expect(attemptFolders()).toEqual([attemptKey(order)]);
    startAgentProcess();
    await waitFor(
      () => api.heartbeats.at(-1)?.draining === false && api.heartbeats.at(-1)?.attempts.length === 1,
      LONG,
    );
    const { runId, ordinal, attempt } = order;
    api.settled.push({ runId, ordinal, attempt });
    await waitFor(() => attemptFolders().length === 0, LONG);
  });

  test("SIGTERM waits for what runs and takes nothing new; a second one leaves what runs to the next agent", async () => {
    const first = startAgentProcess({ SKEIN_DRAIN_SECONDS: "600" });
    const marks = join(temp.path, `drain${runs}`);
    const script = `echo on; while [ ! -e ${marks} ]; do sleep 0.1; done`;
    const [running, late] = [newOrder(script), newOrder("true", { ordinal: 3 })];
    await queues.publishOrders("default", "slot", [running]);
    await waitFor(() => api.logOf(running) === "on\n", LONG);
    first.kill("SIGTERM");
    await waitFor(() => api.heartbeats.at(-1)?.draining === true, LONG);
    await queues.publishOrders("default", "slot", [late]);
    const beats = api.heartbeats.length;
    await waitFor(() => api.heartbeats.length > beats + 1, LONG);
    expect(api.claims).toEqual([attemptKey(running)]);
    expect(first.exitCode).toBeNull();
    first.kill("SIGTERM");
    expect(await once(first, "exit")).toEqual([0, null]);
    expect(outcomesOf(running).filter(({ type }) => type !== "started")).toEqual([]);
    startAgentProcess();
    expect(await finalOf(late)).toMatchObject({ type: "succeeded" });
    writeFileSync(marks, "");
    expect(await finalOf(running)).toMatchObject({ type: "succeeded" });
  });

  test("an agent that drains ends as soon as its last task is reported", async () => {
    const agent = startAgentProcess({ SKEIN_DRAIN_SECONDS: "600" });
    const marks = join(temp.path, `drain${runs}`);
    const order = newOrder(`echo on; while [ ! -e ${marks} ]; do sleep 0.1; done; exit 6`);
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => api.logOf(order) === "on\n", LONG);
    agent.kill("SIGTERM");
    await waitFor(() => api.heartbeats.at(-1)?.draining === true, LONG);
    const ended = once(agent, "exit");
    writeFileSync(marks, "");
    expect(await ended).toEqual([0, null]);
    expect(await finalOf(order)).toMatchObject({ type: "failed", failure: { code: "NonZeroExit" } });
  });

  test("what was granted to an earlier process and not started is claimed again before it is", async () => {
    const order = newOrder(`touch ${temp.path}/stale`);
    const folder = join(home, "attempts", attemptKey(order));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "order.json"), JSON.stringify(order));
    writeFileSync(join(folder, "grant.json"), JSON.stringify(api.grants.get(attemptKey(order))));
    api.grants.clear();
    startAgentProcess();
    await waitFor(() => attemptFolders().length === 0 || outcomesOf(order).length > 0, LONG);
    expect(outcomesOf(order)).toEqual([]);
    expect(api.claims).toEqual([attemptKey(order)]);
    expect(existsSync(join(temp.path, "stale"))).toBe(false);
  });

  test("an api that is away holds claims up but loses none", async () => {
    startAgentProcess();
    await waitFor(() => api.heartbeats.length > 0, LONG);
    api.isAway = true;
    const order = newOrder("true");
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => attemptFolders().length === 1, LONG);
    api.isAway = false;
    expect(await finalOf(order)).toMatchObject({ type: "succeeded" });
  });

  test("what ran here when the disk was lost is ended and reported lost; what was only granted runs", async () => {
    const first = startAgentProcess();
    const marks = join(temp.path, `lost${runs}`);
    const running = newOrder(`echo $$ >${marks}.pid; echo on; while :; do sleep 0.1; done`);
    await queues.publishOrders("default", "slot", [running]);
    await waitFor(() => api.logOf(running) === "on\n", LONG);
    first.kill("SIGKILL");
    await once(first, "exit");
    rmSync(home, { recursive: true });
    reports = [];
    const granted = newOrder(`echo ran >>${marks}.ran`, { ordinal: 3 });
    const heldOf = (order: AttemptOrder, startedAtMs: number | null) => {
      const grant = api.grants.get(attemptKey(order));
      if (!grant) throw new Error("granted before");
      return { order, grant, startedAtMs };
    };
    api.held.push([heldOf(running, 1_000)], [heldOf(granted, null)]);
    const before = api.heartbeats.length;
    startAgentProcess();
    expect(await finalOf(running)).toMatchObject({ type: "lost" });
    expect(await finalOf(granted)).toMatchObject({ type: "succeeded" });
    expect(api.heartbeats[before]?.attempts.map(attemptKey).sort()).toEqual(
      [attemptKey(running), attemptKey(granted)].sort(),
    );
    expect(readFileSync(`${marks}.ran`, "utf8")).toBe("ran\n");
    const pid = readFileSync(`${marks}.pid`, "utf8").trim();
    await waitFor(() => !existsSync(`/proc/${pid}`));
  });

  test("an attempt that its disk knows is not taken back once more", async () => {
    const first = startAgentProcess();
    const marks = join(temp.path, `known${runs}`);
    const order = newOrder(`echo once >>${marks}; echo on; while [ ! -e ${marks}.go ]; do sleep 0.05; done`);
    await queues.publishOrders("default", "slot", [order]);
    await waitFor(() => api.logOf(order) === "on\n", LONG);
    first.kill("SIGKILL");
    await once(first, "exit");
    api.held.push([{ order, grant: api.grants.get(attemptKey(order)) as ClaimGrant, startedAtMs: null }]);
    const before = api.heartbeats.length;
    startAgentProcess();
    await waitFor(() => api.heartbeats.length > before, LONG);
    writeFileSync(`${marks}.go`, "");
    expect(await finalOf(order)).toMatchObject({ type: "succeeded" });
    expect(readFileSync(marks, "utf8")).toBe("once\n");
  });

  test("two agents cannot live in one home", async () => {
    startAgentProcess();
    await waitFor(() => api.heartbeats.length > 0, LONG);
    const second = startAgentProcess();
    expect(await once(second, "exit")).toEqual([1, null]);
  });
});

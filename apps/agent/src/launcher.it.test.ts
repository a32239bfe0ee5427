import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import { type AttemptOrder, type AttemptReport, attemptKey, type ClaimGrant, type Outcome } from "@skein/contracts";
import { toBytes } from "@skein/idl";
import { Resources_ResourceName, TaskTemplateSchema } from "@skein/idl/core";
import { openQueues, type Queues } from "@skein/queue";
import {
  BUSYBOX_IMAGE,
  createTempFolder,
  INSTALL_REDIS,
  INSTALL_VERSITYGW,
  requireKubernetes,
  requireTool,
  startKubernetes,
  startRedis,
  startS3,
  type TestKubernetes,
  type TestNamespace,
  type TestRedis,
  type TestS3,
  waitFor,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openScriptedApi, SCRIPTED_TOKEN, type ScriptedApi } from "./scripted-api.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const LONG = { timeoutMs: 60_000 };
const SHARD = 0;
const hasRedis = requireTool("redis-server", INSTALL_REDIS) !== undefined;
const hasStore = requireTool("versitygw", INSTALL_VERSITYGW) !== undefined;
const canLaunch = hasRedis && hasStore && requireKubernetes();

describe.skipIf(!canLaunch)("an agent that launches pods", () => {
  const temp = createTempFolder("pod-launcher");
  const home = join(temp.path, "home");
  const agentId = `launcher-${process.pid}`;
  const reports: AttemptReport[] = [];
  let cluster: TestKubernetes;
  let namespace: TestNamespace;
  let redis: TestRedis;
  let store: TestS3;
  let queues: Queues;
  let api: ScriptedApi;
  let agent: ChildProcess;
  let orders = 0;

  beforeAll(async () => {
    [cluster, redis, store, api] = await Promise.all([startKubernetes(), startRedis(), startS3(), openScriptedApi()]);
    namespace = await cluster.createNamespace();
    queues = await openQueues({ redisUrl: redis.url, prefix: "launcher", onError: () => undefined });
    await queues.consumeReports(SHARD, async (batch) => void reports.push(...batch));
  }, 180_000);
  afterAll(async () => {
    agent?.kill("SIGKILL");
    await queues?.close();
    await Promise.all([api?.close(), redis?.close(), store?.close(), namespace?.close()]);
    await temp.close();
  });

  const startLauncher = (): void => {
    const env = {
      PATH: process.env.PATH ?? "",
      REDIS_URL: redis.url,
      SKEIN_QUEUE_PREFIX: "launcher",
      SKEIN_API_URL: api.url,
      SKEIN_AGENT_TOKEN: SCRIPTED_TOKEN,
      SKEIN_AGENT_HOME: home,
      SKEIN_AGENT_ID: agentId,
      SKEIN_RUNTIME: "kubernetes",
      SKEIN_KUBERNETES_CONFIG: cluster.kubeconfig,
      SKEIN_KUBERNETES_NAMESPACE: namespace.name,
      SKEIN_STORAGE: `s3://${store.bucket}`,
      SKEIN_S3_ENDPOINT: store.endpoint,
      SKEIN_S3_REGION: store.region,
      AWS_ACCESS_KEY_ID: store.accessKeyId,
      AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
    };
    agent = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "inherit", "inherit"] });
  };

  const newOrder = (script: string, cpu = "1m"): AttemptOrder => {
    orders += 1;
    const runId = `01990000-0000-7000-8000-${String(process.pid * 100 + orders).padStart(12, "0")}`;
    const order: AttemptOrder = {
      runId,
      ordinal: 2,
      attempt: 0,
      kind: "container",
      shard: SHARD,
      token: `token-of-the-attempt-${orders}`,
    };
    const amounts = [
      { name: Resources_ResourceName.CPU, value: cpu },
      { name: Resources_ResourceName.MEMORY, value: "16Mi" },
    ];
    const resources = { requests: amounts, limits: amounts.slice(1) };
    const value = { image: BUSYBOX_IMAGE, command: ["sh", "-c"], args: [script], resources };
    const template = create(TaskTemplateSchema, { type: "raw", target: { case: "container", value } });
    api.grants.set(attemptKey(order), {
      taskTemplate: Buffer.from(toBytes(TaskTemplateSchema, template)).toString("base64"),
      inputs: { data: "" },
      org: "",
      project: "p",
      domain: "d",
      runName: `run${orders}`,
      actionName: "n0",
      workflowKey: "p:d:w",
      environment: {},
      outputPrefix: `s3://${store.bucket}/meta/${runId}/n0/0`,
      rawOutputPrefix: `s3://${store.bucket}/raw/ab/${runId}-n0-0`,
      previousCheckpointPrefix: null,
      arrayIndex: null,
      platform: null,
      secrets: [],
      storeCredentials: null,
      labels: {},
      annotations: {},
      interruptible: false,
      timeoutMs: 0,
    });
    return order;
  };
  const heldOf = (order: AttemptOrder, startedAtMs: number | null) => {
    const grant = api.grants.get(attemptKey(order)) as ClaimGrant;
    return { order, grant, startedAtMs };
  };
  const outcomesOf = (order: AttemptOrder): Outcome[] =>
    reports.filter((report) => attemptKey(report) === attemptKey(order)).map(({ outcome }) => outcome);
  const startOf = (order: AttemptOrder) =>
    waitFor(() => outcomesOf(order).find(({ type }) => type === "started"), { ...LONG, what: "a start" });
  const endOf = (order: AttemptOrder) =>
    waitFor(() => outcomesOf(order).find(({ type }) => type !== "started"), { ...LONG, what: "an outcome" });
  const notesOf = (order: AttemptOrder): string[] =>
    api.heartbeats.flatMap(({ notes }) =>
      notes.filter((note) => attemptKey(note) === attemptKey(order)).map(({ reason }) => reason),
    );
  const kubectl = (...args: string[]) => cluster.kubectl("-n", namespace.name, ...args);
  const podOf = async (order: AttemptOrder): Promise<string> =>
    (await kubectl("get", "pods", "-l", `skein.dev/attempt=${attemptKey(order)}`, "-o", "name")).trim();
  const uidOf = async (order: AttemptOrder): Promise<string> =>
    kubectl("get", await podOf(order), "-o", "jsonpath={.metadata.uid}");

  test("goes on with its pods after it lost its disk, starts what it had not started, and starts nothing twice", async () => {
    startLauncher();
    // It goes on for a moment, so that it does not take along whoever tells it to go.
    const running = newOrder("echo once; while [ ! -e /tmp/go ]; do sleep 0.1; done; sleep 0.5");
    const waiting = newOrder("true", "4000");
    const orphan = newOrder("sleep 600");
    await queues.publishOrders("default", "slot", [running, waiting, orphan]);
    const started = await startOf(running);
    expect(started).toMatchObject({ imageDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    await startOf(orphan);
    await waitFor(() => notesOf(waiting).some((reason) => /insufficient cpu/i.test(reason)), LONG);
    expect(outcomesOf(waiting)).toEqual([]);
    await waitFor(() => api.logOf(running) === "once\n", LONG);
    const uids = [await uidOf(running), await uidOf(waiting)];
    agent.kill("SIGKILL");
    await once(agent, "exit");
    await rm(home, { recursive: true });

    const [unmade, gone] = [newOrder("echo made"), newOrder("true")];
    const startedAtMs = "startedAtMs" in started ? started.startedAtMs : null;
    api.held.push([heldOf(running, startedAtMs), heldOf(waiting, null)], [heldOf(unmade, null), heldOf(gone, 1_000)]);
    const beats = api.heartbeats.length;
    startLauncher();
    expect(await endOf(gone)).toMatchObject({ type: "lost" });
    const named = api.heartbeats.slice(beats)[0]?.attempts.map(attemptKey);
    expect(named?.sort()).toEqual([running, waiting, unmade, gone].map(attemptKey).sort());
    expect(await endOf(unmade)).toMatchObject({ type: "succeeded", outputs: { data: "" } });
    await waitFor(async () => (await podOf(orphan)) === "", LONG);
    expect([await uidOf(running), await uidOf(waiting)]).toEqual(uids);

    await kubectl("exec", await podOf(running), "--", "touch", "/tmp/go");
    expect(await endOf(running)).toMatchObject({ type: "succeeded", startedAtMs });
    expect(api.logOf(running)).toBe("once\n");
    expect(outcomesOf(running).filter(({ type }) => type === "started")).toHaveLength(1);
    const { runId, ordinal, attempt } = waiting;
    api.stop.push({ runId, ordinal, attempt });
    expect(await endOf(waiting)).toMatchObject({ type: "stopped" });
    api.settled.push(...[running, waiting, unmade, gone].map(({ runId: id }) => ({ runId: id, ordinal, attempt })));
    await waitFor(async () => (await kubectl("get", "pods", "-o", "name")).trim() === "", LONG);
  }, 180_000);
});

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type AttemptOrder, attemptKey, type ClaimGrant } from "@skein/contracts";
import { toBytes } from "@skein/idl";
import { TaskTemplateSchema } from "@skein/idl/core";
import { openQueues, type Queues } from "@skein/queue";
import { openLogger } from "@skein/telemetry";
import {
  createTempFolder,
  freePort,
  INSTALL_REDIS,
  requireTool,
  startRedis,
  type TestRedis,
  waitFor,
} from "@skein/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readAgentConfig } from "./config.ts";
import { openScriptedApi, SCRIPTED_TOKEN, type ScriptedApi } from "./scripted-api.ts";
import { type Agent, startAgent } from "./start.ts";

const LONG = { timeoutMs: 20_000 };

describe.skipIf(!requireTool("redis-server", INSTALL_REDIS))("what an agent has", () => {
  const temp = createTempFolder("capacity");
  let redis: TestRedis;
  let queues: Queues;
  let api: ScriptedApi;
  let agent: Agent | undefined;
  let tests = 0;
  let orders = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });
  beforeEach(async () => {
    tests += 1;
    api = await openScriptedApi();
    queues = await openQueues({ redisUrl: redis.url, prefix: `t${tests}`, onError: () => undefined });
  });
  afterEach(async () => {
    await agent?.close({ drainSeconds: 0 });
    agent = undefined;
    await queues.close();
    await api.close();
  });
  afterAll(async () => {
    await redis.close();
    await temp.close();
  });

  const start = async (change: Record<string, string> = {}): Promise<Agent> => {
    const config = readAgentConfig({
      PATH: process.env.PATH,
      REDIS_URL: redis.url,
      SKEIN_QUEUE_PREFIX: `t${tests}`,
      SKEIN_API_URL: api.url,
      SKEIN_AGENT_TOKEN: SCRIPTED_TOKEN,
      SKEIN_AGENT_HOME: join(temp.path, `home${tests}`),
      SKEIN_STORAGE: `file://${temp.path}/storage`,
      SKEIN_AGENT_SLOTS: "3",
      SKEIN_AGENT_CPU: "2",
      SKEIN_END_TASKS: "true",
      SKEIN_ISOLATION: "none",
      ...change,
    });
    agent = await startAgent(config, { logger: openLogger({ name: "agent", level: "silent" }) });
    return agent;
  };
  const mark = (name: string) => join(temp.path, `${tests}-${name}`);
  const newOrder = async (cpus: number, script: string, change: Partial<ClaimGrant> = {}): Promise<AttemptOrder> => {
    orders += 1;
    const order: AttemptOrder = {
      runId: `01990000-0000-7000-8000-${String(orders).padStart(12, "0")}`,
      ordinal: 2,
      attempt: 0,
      kind: "container",
      shard: 0,
      token: "t".repeat(43),
      resources: { cpuMillis: cpus * 1000, memoryMiB: 1, gpus: 0 },
    };
    const value = { image: "busybox", command: ["sh", "-c"], args: [script] };
    const template = create(TaskTemplateSchema, { type: "raw", target: { case: "container", value } });
    api.grants.set(attemptKey(order), {
      taskTemplate: Buffer.from(toBytes(TaskTemplateSchema, template)).toString("base64"),
      inputs: { data: "" },
      ...{ org: "", project: "p", domain: "d", runName: "r", actionName: "n0", workflowKey: "p:d:w" },
      ...{ environment: {}, labels: {}, annotations: {}, interruptible: false, timeoutMs: 0 },
      outputPrefix: `file://${temp.path}/storage/meta/${orders}`,
      rawOutputPrefix: `file://${temp.path}/storage/raw/${orders}`,
      ...{ previousCheckpointPrefix: null, arrayIndex: null, platform: null, secrets: [], storeCredentials: null },
      ...change,
    });
    await queues.publishOrders("default", "slot", [order]);
    return order;
  };
  const untilMark = (name: string) => `while [ ! -e ${mark(name)} ]; do sleep 0.05; done`;

  test("processors are not given twice, though slots are free, and one that waits for children gives its back", async () => {
    await start();
    const parent = `touch ${mark("parent")}; ${untilMark("child")}; touch ${mark("parent-end")}`;
    await newOrder(2, parent, { platform: { token: null } });
    await waitFor(() => existsSync(mark("parent")), LONG);
    await newOrder(1.5, `touch ${mark("first")}; ${untilMark("go")}`);
    await waitFor(() => existsSync(mark("first")), LONG);
    await newOrder(1, `touch ${mark("child")}`);
    await newOrder(0.5, `touch ${mark("small")}`);
    await waitFor(() => existsSync(mark("small")), LONG);
    expect(existsSync(mark("child"))).toBe(false);
    writeFileSync(mark("go"), "");
    await waitFor(() => existsSync(mark("parent-end")), LONG);
  });

  test("a cordoned agent says that it drains, takes nothing, and goes on when it is opened again", async () => {
    api.isCordoned = true;
    await start({ SKEIN_AGENT_LABELS: "zone=eu-1" });
    await waitFor(() => api.heartbeats.at(-1)?.draining === true, LONG);
    expect(api.heartbeats.at(-1)).toMatchObject({ labels: { zone: "eu-1" }, capacity: { slots: 3, cpuMillis: 2000 } });
    await newOrder(1, `touch ${mark("ran")}`);
    const beats = api.heartbeats.length;
    await waitFor(() => api.heartbeats.length > beats + 1, LONG);
    expect(api.claims).toEqual([]);
    api.isCordoned = false;
    await waitFor(() => existsSync(mark("ran")), LONG);
    await waitFor(() => api.heartbeats.at(-1)?.draining === false, LONG);
  });

  test("it is ready once the api answers, lives all the while, and counts what it does", async () => {
    api.isAway = true;
    const port = await freePort();
    const { ready } = await start({ SKEIN_METRICS_PORT: String(port) });
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return [response.status, await response.text()] as const;
    };
    expect(await get("/readyz")).toEqual([503, "the api has not answered yet"]);
    expect(await get("/livez")).toEqual([200, "ok\n"]);
    api.isAway = false;
    await ready;
    expect(await get("/readyz")).toEqual([200, "ok\n"]);
    const order = await newOrder(1, `echo hello; touch ${mark("counted")}`);
    await waitFor(() => existsSync(mark("counted")) && api.logOf(order) === "hello\n", LONG);
    const metrics = await waitFor(async () => {
      const [, text] = await get("/metrics");
      return text.includes('skein_agent_attempts_ended_total{outcome="succeeded"} 1') && text;
    }, LONG);
    expect(metrics).toContain('skein_agent_capacity{resource="cpu"} 2\n');
    expect(metrics).toContain("skein_agent_attempts_started_total 1\n");
    expect(metrics).toContain("skein_agent_claim_seconds_count 1\n");
    expect(metrics).toContain("skein_agent_log_bytes_total 6\n");
    await waitFor(async () => (await get("/metrics"))[1].includes('skein_agent_reserved{resource="cpu"} 0\n'), LONG);
  });
});

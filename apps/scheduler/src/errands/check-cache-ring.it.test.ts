import { create } from "@bufbuild/protobuf";
import type { AttemptOrder } from "@skein/contracts";
import { toBytes } from "@skein/idl";
import type { TaskCreateRequest } from "@skein/idl/admin";
import { LiteralMapSchema } from "@skein/idl/core";
import type { Consumer } from "@skein/queue";
import {
  bindInteger,
  bindTo,
  chainOf,
  echoTask,
  futuresOf,
  integerInputs,
  mapWorkflowOf,
  taskNode,
  waitFor,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorld, type World } from "../test-world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld("redis");
});
afterEach(() => world.close());

interface CacheOptions {
  readonly version?: string;
  readonly isSerialized?: boolean;
  readonly retries?: number;
}

function cachedEcho(
  name: string,
  { version = "1", isSerialized = false, retries = 0 }: CacheOptions = {},
): TaskCreateRequest {
  const task = echoTask(name);
  Object.assign(task.spec?.template?.metadata ?? {}, {
    discoverable: true,
    discoveryVersion: version,
    cacheSerializable: isSerialized,
    ...(retries === 0 ? {} : { retries: { $typeName: "flyteidl.core.RetryStrategy", retries } }),
  });
  return task;
}

/** A workflow of one cached task. Answers its key. */
const register = (task: TaskCreateRequest, workflow = chainOf("wf", task, 1)): Promise<number> =>
  world.register(workflow, [task]);

interface Seen {
  readonly orders: AttemptOrder[];
  readonly consumer: Consumer;
}

/** An agent that answers orders of echo tasks as `answer` says. */
async function startAgent(answer: (order: AttemptOrder) => "echo" | "fail" | "hold"): Promise<Seen> {
  const orders: AttemptOrder[] = [];
  const consumer = await world.queues.consumeInstant("default", { concurrency: 20 }, async (order) => {
    orders.push(order);
    const what = answer(order);
    if (what === "hold") return;
    const [startedAtMs, endedAtMs] = [Date.now(), Date.now()];
    const failure = { code: "Oops", message: "no", kind: "user", recoverable: true } as const;
    const outcome =
      what === "echo"
        ? ({ type: "succeeded", startedAtMs, endedAtMs, outputs: { data: order.inputs ?? "" } } as const)
        : ({ type: "failed", startedAtMs, endedAtMs, failure } as const);
    await world.queues.sendReports(order.shard, [world.reportOf(order, outcome)]);
  });
  return { orders, consumer };
}

/** The report of an agent that is done with an order it held. */
async function succeed(order: AttemptOrder, x: number): Promise<void> {
  const at = Date.now();
  const bytes = toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ x })));
  const outputs = { data: Buffer.from(bytes).toString("base64") };
  const outcome = { type: "succeeded", startedAtMs: at, endedAtMs: at, outputs } as const;
  await world.queues.sendReports(order.shard, [world.reportOf(order, outcome)]);
}

const tasksOf = async (runId: string) => {
  const { rows } = await world.database.pool.query<{ phase: string; status: string; attempts: number; key: string }>(
    `select phase, cache_status as status, attempts, cache_key as key from actions
     where run_id = $1 and kind = 'task' order by ordinal`,
    [runId],
  );
  return rows;
};
const statusesOf = async (runId: string) => (await tasksOf(runId)).map(({ status }) => status);

async function outputsOf(runId: string): Promise<Buffer | undefined> {
  const { rows } = await world.database.pool.query<{ data: Buffer }>(
    "select data from action_values where run_id = $1 and ordinal = 1 and side = 'inputs'",
    [runId],
  );
  return rows[0]?.data;
}

test("the first run computes and fills the cache, the second is served without an attempt", async () => {
  await world.startScheduler();
  const agent = await startAgent(() => "echo");
  const workflowId = await register(cachedEcho("square"));
  const first = await world.launch(workflowId, 7n);
  await world.untilPhase(first, "succeeded");
  const second = await world.launch(workflowId, 7n);
  await world.untilPhase(second, "succeeded");
  expect(await tasksOf(first)).toEqual([
    { phase: "succeeded", status: "populated", attempts: 1, key: expect.stringMatching(/^1-.*\/flyte_cached-/) },
  ]);
  const [{ key } = { key: "" }] = await tasksOf(first);
  expect(await tasksOf(second)).toEqual([{ phase: "succeeded", status: "hit", attempts: 0, key }]);
  expect(await outputsOf(second)).toEqual(await outputsOf(first));
  const third = await world.launch(workflowId, 8n);
  await world.untilPhase(third, "succeeded");
  expect(await statusesOf(third)).toEqual(["populated"]);
  const entries = await world.database.pool.query("select count(distinct cache_entry_id)::int as entries from actions");
  expect(entries.rows).toEqual([{ entries: 2 }]);
  expect(agent.orders.length).toBe(2);
  expect((await world.database.pool.query("select from errands")).rowCount).toBe(0);
});

test("a run that overwrites the cache computes, and the next one is served with what it computed", async () => {
  await world.startScheduler();
  const agent = await startAgent(() => "echo");
  const workflowId = await register(cachedEcho("square"));
  await world.untilPhase(await world.launch(workflowId, 7n), "succeeded");
  const { pool } = world.database;
  const { rows } = await pool.query("select entry_id from cache_tags");
  let overwriter = "";
  await world.restartScheduler(async () => {
    overwriter = await world.launch(workflowId, 7n);
    await pool.query("update runs set overwrite_cache = true where id = $1", [overwriter]);
  });
  await world.untilPhase(overwriter, "succeeded");
  expect(agent.orders.length).toBe(2);
  const moved = await pool.query("select entry_id from cache_tags");
  expect(moved.rows.length).toBe(1);
  expect(moved.rows).not.toEqual(rows);
  const last = await world.launch(workflowId, 7n);
  await world.untilPhase(last, "succeeded");
  expect(await statusesOf(last)).toEqual(["hit"]);
  expect(agent.orders.length).toBe(2);
});

test("runs of two schedulers that want the same at once compute it once where the cache is serialized", async () => {
  await world.startScheduler();
  await world.startScheduler();
  const agent = await startAgent(() => "hold");
  const workflowId = await register(cachedEcho("slow", { isSerialized: true }));
  const runs = await Promise.all(Array.from({ length: 8 }, () => world.launch(workflowId, 3n)));
  const waiting = async () => (await Promise.all(runs.map(tasksOf))).flat().filter(({ phase }) => phase === "queued");
  await waitFor(async () => agent.orders.length === 1 && (await waiting()).length === 8, { what: "one order" });
  const [order] = agent.orders;
  if (!order) throw new Error("there is an order");
  await succeed(order, 9);
  for (const runId of runs) await world.untilPhase(runId, "succeeded");
  const statuses = (await Promise.all(runs.map(statusesOf))).flat().sort();
  expect(statuses).toEqual([...Array.from({ length: 7 }, () => "hit"), "populated"]);
  expect(agent.orders.length).toBe(1);
  const outputsOfAll = await Promise.all(runs.map(outputsOf));
  expect(new Set(outputsOfAll.map((data) => data?.toString("hex"))).size).toBe(1);
});

test("when the one that computes fails, the next takes over; its failure is not cached", async () => {
  await world.startScheduler();
  const failing = new Set<string>();
  const agent = await startAgent(({ runId }) => {
    if (failing.size === 0) failing.add(runId);
    return failing.has(runId) ? "fail" : "echo";
  });
  const workflowId = await register(cachedEcho("flaky", { isSerialized: true, retries: 1 }));
  const runs = await Promise.all([1, 2, 3].map(() => world.launch(workflowId, 3n)));
  const phases = () => Promise.all(runs.map((runId) => world.phaseOf(runId)));
  await waitFor(async () => (await phases()).every((phase) => ["succeeded", "failed"].includes(phase)), {
    what: "all runs to end",
  });
  expect((await phases()).sort()).toEqual(["failed", "succeeded", "succeeded"]);
  const statuses = (await Promise.all(runs.map(statusesOf))).flat().sort();
  expect(statuses).toEqual(["hit", "miss", "populated"]);
  expect(agent.orders.length).toBe(3);
});

test("a crash while others wait leaves nobody waiting for ever", async () => {
  await world.startScheduler();
  const agent = await startAgent(() => "hold");
  const workflowId = await register(cachedEcho("slow", { isSerialized: true }));
  const runs = await Promise.all([1, 2, 3].map(() => world.launch(workflowId, 3n)));
  await waitFor(() => agent.orders.length === 1, { what: "the first order" });
  const [order] = agent.orders;
  if (!order) throw new Error("there is an order");
  await world.restartScheduler(async () => undefined);
  await succeed(order, 9);
  for (const runId of runs) await world.untilPhase(runId, "succeeded", 20_000);
  expect(new Set(agent.orders.map(({ runId }) => runId)).size).toBe(1);
});

test("items of a map are cached one by one", async () => {
  await world.startScheduler();
  const agent = await startAgent(() => "echo");
  const task = cachedEcho("item");
  const workflowId = await register(task, mapWorkflowOf("maps", task));
  const first = await world.launch(workflowId, [1n, 2n, 3n]);
  await world.untilPhase(first, "succeeded");
  expect(await statusesOf(first)).toEqual(["populated", "populated", "populated"]);
  const second = await world.launch(workflowId, [2n, 5n, 1n]);
  await world.untilPhase(second, "succeeded");
  expect(await statusesOf(second)).toEqual(["hit", "populated", "hit"]);
  expect(agent.orders.length).toBe(4);
});

test("a cached dynamic task keeps what its nodes made, and those are cached on their own", async () => {
  await world.startScheduler();
  const sub = cachedEcho("sub");
  const futures = futuresOf([taskNode("a", sub, [bindInteger("x", 5)])], [sub], [bindTo("x", "a", "x")]);
  const agent = await startAgent(() => "hold");
  const untilOrders = (count: number) => waitFor(() => agent.orders[count - 1], { what: `${count} orders` });
  const expand = async (order: AttemptOrder) => {
    const uri = `${await world.outputPrefixOf(order)}/futures.pb`;
    await world.write(uri, futures);
    const at = Date.now();
    const written = { uri, sizeBytes: futures.length };
    const outcome = {
      type: "succeeded",
      startedAtMs: at,
      endedAtMs: at,
      outputs: { data: "" },
      futures: written,
    } as const;
    await world.queues.sendReports(order.shard, [world.reportOf(order, outcome)]);
  };
  const workflowId = await register(cachedEcho("dynamic"));
  const first = await world.launch(workflowId, 1n);
  await expand(await untilOrders(1));
  await succeed(await untilOrders(2), 5);
  await world.untilPhase(first, "succeeded");
  expect(await statusesOf(first)).toEqual(["populated", "populated"]);

  const same = await world.launch(workflowId, 1n);
  await world.untilPhase(same, "succeeded");
  expect(await statusesOf(same)).toEqual(["hit"]);
  expect(await outputsOf(same)).toEqual(await outputsOf(first));

  const other = await world.launch(workflowId, 2n);
  await expand(await untilOrders(3));
  await world.untilPhase(other, "succeeded");
  expect(await statusesOf(other)).toEqual(["populated", "hit"]);
  expect(await outputsOf(other)).toEqual(await outputsOf(first));
});

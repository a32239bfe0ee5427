import { commitAdvances } from "@skein/db";
import { chainOf, commandTask, echoTask, fanOf, waitFor } from "@skein/testing";
import { afterEach, expect, test } from "vitest";
import { openWorld, type World } from "./test-world.ts";

const ECHO = echoTask("echo");
const COMMAND = commandTask("command", ["true"], { retries: 1, timeoutSeconds: 1 });
const succeeded = { type: "succeeded", startedAtMs: 1, endedAtMs: 2, outputs: { data: "" } } as const;
const lost = { type: "lost", endedAtMs: 2, message: "gone" } as const;

let world: World;
afterEach(() => world.close());

async function count(sql: string, values: unknown[] = []): Promise<number> {
  const { rows } = await world.database.pool.query<{ count: number }>(`select count(*)::int as count ${sql}`, values);
  return rows[0]?.count ?? 0;
}

async function rowsOf<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query<T>(sql, values)).rows;
}

/** Rows that Postgres fetched from a table so far, as its statistics say. */
async function readsOf(table: string): Promise<number> {
  const [row] = await rowsOf<{ reads: string }>(
    "select seq_tup_read + coalesce(idx_tup_fetch, 0) as reads from pg_stat_user_tables where relname = $1",
    [table],
  );
  return Number(row?.reads);
}

const attemptsOf = (runId: string) =>
  rowsOf<{ ordinal: number; attempt: number; phase: string; error_code: string | null }>(
    "select ordinal, attempt, phase, error_code from attempts where run_id = $1 order by ordinal, attempt",
    [runId],
  );

test("a chain hands its value on, and nothing is left to do when it ended", async () => {
  world = await openWorld();
  await world.startScheduler();
  await world.startEcho();
  const runId = await world.launch(await world.register(chainOf("chain", ECHO, 5), [ECHO]), 7n);
  await world.untilPhase(runId, "succeeded");
  const values = await rowsOf<{ same: boolean }>(
    `select a.data = b.data as same from action_values a, action_values b
     where a.run_id = $1 and b.run_id = $1 and a.ordinal = 0 and a.side = 'outputs' and b.ordinal = 1 and b.side = 'inputs'`,
    [runId],
  );
  expect(values).toEqual([{ same: true }]);
  expect(await count("from actions where run_id = $1 and phase = 'succeeded'", [runId])).toBe(7);
  await waitFor(async () => (await count("from commands")) === 0);
  expect(await count("from events")).toBe(0);
  expect(await count("from event_history where run_id = $1", [runId])).toBeGreaterThan(5);
});

test("values over 1 MiB live in the object store and are bound from there", async () => {
  world = await openWorld();
  await world.startScheduler();
  await world.startEcho();
  const runId = await world.launch(await world.register(chainOf("chain", ECHO, 2), [ECHO]), "v".repeat(1_500_000));
  await world.untilPhase(runId, "succeeded");
  const rows = await rowsOf<{ uri: string | null; size: string; inline: boolean }>(
    "select uri, size_bytes as size, data is not null as inline from action_values where run_id = $1 and ordinal > 0",
    [runId],
  );
  // Inputs and outputs of both tasks, and the run's outputs under its end-node.
  expect(rows).toHaveLength(5);
  for (const row of rows) expect([row.uri?.startsWith("file:///"), row.inline]).toEqual([true, false]);
  expect(new Set(rows.map(({ size }) => size)).size).toBe(1);
});

test("two schedulers end a run of 10,000 although its owner leaves in the middle, reading each row a few times", {
  timeout: 90_000,
}, async () => {
  world = await openWorld();
  const first = await world.startScheduler({ SKEIN_SHARDS: "1" });
  await waitFor(() => first.ownedShards().length === 1);
  await world.startScheduler({ SKEIN_SHARDS: "1" });
  await world.startEcho();
  const runId = await world.launch(await world.register(fanOf("fan", ECHO, 10_000), [ECHO]));
  await waitFor(async () => (await count("from attempts where run_id = $1 and phase = 'succeeded'", [runId])) > 2_000, {
    timeoutMs: 30_000,
  });
  await first.close();
  await world.untilPhase(runId, "succeeded", 60_000);
  await waitFor(async () => (await readsOf("actions")) >= 10_000);
  expect(await readsOf("actions")).toBeLessThan(6 * 10_000);
  expect(await count("from actions where run_id = $1 and phase = 'succeeded'", [runId])).toBe(10_002);
  expect(await count("from attempts where run_id = $1", [runId])).toBe(10_000);
});

test("an advance that somebody else overtook is done anew on fresh rows", async () => {
  world = await openWorld();
  await world.startScheduler();
  const runId = await world.launch(await world.register(chainOf("pair", COMMAND, 2), [COMMAND]));
  const taker = await world.queues.openOrderTaker("default");
  const taken = await taker.take(AbortSignal.timeout(10_000));
  if (!taken) throw new Error("no order came");
  // A foreign commit of the same run: the scheduler's copy in memory is old now.
  await world.database.pool.query("update runs set version = version + 1 where id = $1", [runId]);
  await world.queues.sendReports(taken.order.shard, [world.reportOf(taken.order, succeeded)]);
  await waitFor(async () => (await attemptsOf(runId)).length === 2);
  expect(await attemptsOf(runId)).toMatchObject([{ phase: "succeeded" }, { phase: "queued" }]);
});

test("a commit at an old version writes nothing", async () => {
  world = await openWorld();
  const runId = await world.launch(await world.register(chainOf("one", ECHO, 1), [ECHO]));
  const changes = {
    run: { phase: "running", startedAtMs: 1, endedAtMs: null, failure: null, abortCause: null, abortPrincipal: null },
    newActions: [],
    actions: [],
    attempts: [],
    values: [{ ordinal: 5, side: "inputs", bytes: new Uint8Array() }],
    copies: [],
    reusedExpansions: [],
    commands: [],
    staleEvents: 0,
  } as const;
  const lists = { values: [], copies: [], orders: [], signals: [], expansions: [], cachePuts: [], links: [] };
  const maps = { reporters: new Map(), deckUris: new Map(), cacheEntryIds: new Map() };
  const rest = { ...lists, ...maps, parentNews: null, appliedEvents: [], eventIds: [], errandIds: [] };
  const commit = commitAdvances(world.database.pool, [{ runId, version: 3, changes, ...rest }]);
  await expect(commit).rejects.toMatchObject({ code: "40001" });
  expect(await world.phaseOf(runId)).toBe("queued");
});

test("orders that a crash left as rows are published by the next scheduler", async () => {
  world = await openWorld();
  const scheduler = await world.startScheduler();
  const runId = await world.launch(await world.register(chainOf("one", COMMAND, 1), [COMMAND]));
  await waitFor(async () => (await count("from attempts where run_id = $1", [runId])) === 1);
  await waitFor(async () => (await count("from commands where published_at is null")) === 0);
  await scheduler.close();
  // What a crash between commit and publication leaves: the row, and no order in the queue.
  await world.database.pool.query("truncate bullmq.job cascade");
  await world.database.pool.query("update commands set published_at = null where run_id = $1", [runId]);
  await world.startScheduler();
  const taken = await (await world.queues.openOrderTaker("default")).take(AbortSignal.timeout(4_000));
  expect(taken?.order).toMatchObject({ runId, attempt: 0, kind: "container" });
  await waitFor(async () => (await count("from commands where published_at is null")) === 0);
});

test("a fan-out goes on after the whole queue was wiped", { timeout: 60_000 }, async () => {
  world = await openWorld("redis");
  await world.startScheduler({ SKEIN_SHARDS: "2" });
  const runId = await world.launch(await world.register(fanOf("fan", ECHO, 300), [ECHO]));
  await waitFor(async () => (await count("from attempts where run_id = $1", [runId])) === 300);
  await waitFor(async () => (await count("from commands")) === 0);
  await world.redis?.restart();
  await world.startEcho();
  await world.untilPhase(runId, "succeeded", 20_000);
  expect(await count("from attempts where run_id = $1", [runId])).toBe(300);
});

test("an attempt whose agent died is made again by another", { timeout: 30_000 }, async () => {
  world = await openWorld();
  await world.startScheduler();
  const runId = await world.launch(await world.register(chainOf("one", COMMAND, 1), [COMMAND]));
  const taker = await world.queues.openOrderTaker("default");
  const first = await taker.take(AbortSignal.timeout(10_000));
  if (!first) throw new Error("no order came");
  const { ordinal, shard } = first.order;
  await world.database.pool.query(
    "insert into claims (run_id, ordinal, attempt, agent_id, shard) values ($1, $2, 0, 'dead', $3)",
    [runId, ordinal, shard],
  );
  await first.settle();
  const second = await taker.take(AbortSignal.timeout(10_000));
  expect(second?.order).toMatchObject({ runId, ordinal, attempt: 1 });
  expect(await attemptsOf(runId)).toMatchObject([
    { attempt: 0, phase: "failed", error_code: "AgentLost" },
    { attempt: 1, phase: "queued" },
  ]);
  expect(await count("from claims")).toBe(0);
  await world.queues.sendReports(shard, [world.reportOf({ runId, ordinal, attempt: 1 }, succeeded)]);
  await world.untilPhase(runId, "succeeded");
});

test("a report with a foreign token changes nothing, a late one neither", async () => {
  world = await openWorld();
  await world.startScheduler();
  const runId = await world.launch(await world.register(chainOf("one", COMMAND, 1), [COMMAND]));
  const taken = await (await world.queues.openOrderTaker("default")).take(AbortSignal.timeout(10_000));
  if (!taken) throw new Error("no order came");
  const { order } = taken;
  const genuine = world.reportOf(order, lost);
  await world.queues.sendReports(order.shard, [{ ...world.reportOf(order, succeeded), token: "f".repeat(43) }]);
  await world.queues.sendReports(order.shard, [genuine]);
  await waitFor(async () => (await attemptsOf(runId)).length === 2);
  await world.queues.sendReports(order.shard, [world.reportOf(order, succeeded)]);
  await world.queues.sendReports(order.shard, [world.reportOf({ ...order, attempt: 1 }, succeeded)]);
  await world.untilPhase(runId, "succeeded");
  expect(await attemptsOf(runId)).toMatchObject([
    { attempt: 0, phase: "failed" },
    { attempt: 1, phase: "succeeded" },
  ]);
});

test("an attempt that runs out of time is told to stop and tried again after its back-off", async () => {
  world = await openWorld();
  await world.startScheduler();
  const runId = await world.launch(await world.register(chainOf("one", COMMAND, 1), [COMMAND]));
  const taker = await world.queues.openOrderTaker("default");
  const taken = await taker.take(AbortSignal.timeout(10_000));
  if (!taken) throw new Error("no order came");
  const { order } = taken;
  await world.queues.sendReports(order.shard, [world.reportOf(order, { type: "started", startedAtMs: Date.now() })]);
  await waitFor(async () => (await attemptsOf(runId))[0]?.phase === "aborting");
  await world.queues.sendReports(order.shard, [world.reportOf(order, { type: "stopped", endedAtMs: Date.now() })]);
  const again = await taker.take(AbortSignal.timeout(10_000));
  expect(again?.order).toMatchObject({ runId, attempt: 1 });
  expect((await attemptsOf(runId))[0]).toMatchObject({ phase: "failed", error_code: "TimeoutExpired" });
  expect(await count("from timers where kind <> 'total'")).toBe(0);
});

test("a run aborted while its orders wait ends with all its actions", async () => {
  world = await openWorld();
  await world.startScheduler();
  const runId = await world.launch(await world.register(fanOf("fan", ECHO, 1_500), [ECHO]));
  await waitFor(async () => (await count("from attempts where run_id = $1", [runId])) === 1_500);
  const event = { type: "runAbortRequested", atMs: Date.now(), cause: "enough", principal: "me" };
  await world.database.pool.query(
    "insert into events (run_id, shard, event) select id, shard, $2 from runs where id = $1",
    [runId, event],
  );
  await world.untilPhase(runId, "aborted");
  expect(await count("from actions where run_id = $1 and ended_at is null", [runId])).toBe(0);
  expect(await count("from attempts where run_id = $1 and phase <> 'aborted'", [runId])).toBe(0);
  await waitFor(async () => (await count("from commands")) === 0);
});

test("schedulers share the shards, and the one that stays serves all of them within five seconds", async () => {
  world = await openWorld();
  const first = await world.startScheduler({ SKEIN_SHARDS: "5" });
  await waitFor(() => first.ownedShards().length === 5);
  const second = await world.startScheduler({ SKEIN_SHARDS: "5" });
  await waitFor(() => first.ownedShards().length === 3 && second.ownedShards().length === 2);
  await first.close();
  await waitFor(() => second.ownedShards().length === 5, { timeoutMs: 5_000 });
});

import { type AttemptOrder, attemptKey } from "@skein/contracts";
import { PLAIN_SETTINGS, setPoolShare } from "@skein/db";
import { commandTask, fanOf, insertRow, waitFor } from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { literalsOf, openWorld, type World } from "../test-world.ts";

const COMMAND = commandTask("command", ["true"], { inputs: ["x"], outputs: ["x"] });
const OUTPUTS = { data: Buffer.from(literalsOf(1n)).toString("base64") };
const SUCCEEDED = { type: "succeeded", startedAtMs: 1, endedAtMs: 2, outputs: OUTPUTS } as const;
/** What the queue may hold before what comes later: the least window. */
const WINDOW = 32;

let world: World;
let projectOf: Map<string, string>;
let fans: Map<number, number>;
beforeEach(async () => {
  world = await openWorld();
  projectOf = new Map();
  fans = new Map();
  for (const id of ["flood", "small"])
    await insertRow(world.database.pool, "projects", { id, name: id, labels: Buffer.alloc(0) });
  await insertRow(world.database.pool, "agents", {
    ...{
      id: "agent-1",
      pool: "default",
      runtime: "process",
      version: "1",
      slots: 2,
      cpu_millis: 8000,
      memory_mib: 8000,
    },
    ...{ gpus: 0, heartbeat_at: new Date(), lease_expires_at: new Date(Date.now() + 600_000) },
  });
});
afterEach(() => world.close());

async function launch(project: string, tasks: number, priority = 0): Promise<string> {
  const workflow = fans.get(tasks) ?? (await world.register(fanOf(`fan-${tasks}`, COMMAND, tasks), [COMMAND]));
  fans.set(tasks, workflow);
  const settings = { ...PLAIN_SETTINGS, priority };
  const runId = await world.launch(workflow, 42n, { project, settings });
  projectOf.set(runId, project);
  return runId;
}

const untilWaiting = (project: string, count: number) =>
  waitFor(async () => (await commandsOf(project)) >= count, { timeoutMs: 30_000, what: `commands of ${project}` });
async function commandsOf(project: string, where = "true"): Promise<number> {
  const { rows } = await world.database.pool.query<{ count: number }>(
    `select count(*)::int as count from commands where project = $1 and ${where}`,
    [project],
  );
  return rows[0]?.count ?? 0;
}

/** An agent with two slots. It takes orders until `isEnough`, and answers in which order it took what. */
async function serve(isEnough: (taken: readonly AttemptOrder[]) => boolean, onTaken?: () => Promise<void>) {
  const taker = await world.queues.openOrderTaker("default");
  const taken: AttemptOrder[] = [];
  const held: AttemptOrder[] = [];
  while (!isEnough(taken)) {
    const next = await taker.take(AbortSignal.timeout(10_000));
    if (!next) throw new Error(`no order came after ${taken.length}`);
    const { runId, ordinal, attempt, shard } = next.order;
    // An order that waited long is published again.
    if (taken.some((order) => attemptKey(order) === attemptKey(next.order))) {
      await next.settle();
      continue;
    }
    const claim = { run_id: runId, ordinal, attempt, agent_id: "agent-1", shard };
    await insertRow(world.database.pool, "claims", claim);
    await next.settle();
    taken.push(next.order);
    held.push(next.order);
    await onTaken?.();
    const done = held.length === 2 ? held.shift() : undefined;
    if (done) await world.queues.sendReports(done.shard, [world.reportOf(done, SUCCEEDED)]);
  }
  return taken.map((order) => projectOf.get(order.runId));
}

const countOf = (taken: readonly AttemptOrder[], project: string) =>
  taken.filter(({ runId }) => projectOf.get(runId) === project).length;

test("a flood of one project delays another only by what is in the queue, and both go on side by side", {
  timeout: 60_000,
}, async () => {
  await world.startScheduler({ SKEIN_SHARDS: "4" });
  await world.startScheduler({ SKEIN_SHARDS: "4" });
  await launch("flood", 2_000);
  await untilWaiting("flood", 2_000);
  await launch("small", 10);
  await untilWaiting("small", 10);
  const projects = await serve((taken) => countOf(taken, "small") === 10);
  expect(projects.indexOf("small")).toBeLessThanOrEqual(2 * WINDOW);
  // While the ten came, the flood did not stand still and got no more than about its half.
  const during = projects.slice(projects.indexOf("small"));
  const ofFlood = during.filter((project) => project === "flood").length;
  expect(ofFlood).toBeLessThanOrEqual(2 * WINDOW);
  expect(projects.length).toBeLessThan(150);
});

test("a higher priority goes before all that is not in the queue yet", { timeout: 60_000 }, async () => {
  await world.startScheduler();
  await launch("flood", 200);
  await untilWaiting("flood", 200);
  await launch("flood", 10, 5);
  await untilWaiting("flood", 210);
  const urgent = [...projectOf.keys()].at(-1);
  const order: string[] = [];
  await serve((taken) => {
    order.splice(0, order.length, ...taken.map(({ runId }) => runId));
    return taken.filter(({ runId }) => runId === urgent).length === 10;
  });
  expect(order.indexOf(urgent ?? "")).toBeLessThanOrEqual(WINDOW + 2);
  expect(order.lastIndexOf(urgent ?? "") - order.indexOf(urgent ?? "")).toBe(9);
});

test("a project never has more under way than its share allows, and others take the places", {
  timeout: 60_000,
}, async () => {
  await setPoolShare(world.database.pool, { pool: "default", project: "flood", weight: 1, runningMax: 3 }, "me");
  await world.startScheduler({ SKEIN_SHARDS: "4" });
  await world.startScheduler({ SKEIN_SHARDS: "4" });
  for (const tasks of [20, 20, 20, 20]) await launch("flood", tasks);
  await untilWaiting("flood", 80);
  await launch("small", 20);
  let most = 0;
  const projects = await serve(
    (taken) => taken.length === 60,
    async () => {
      most = Math.max(most, await commandsOf("flood", "published_at is not null"));
    },
  );
  expect(most).toBe(3);
  expect(projects.filter((project) => project === "small").length).toBe(20);
  expect(projects.filter((project) => project === "flood").length).toBe(40);
});

test("a project that may have nothing under way is not given out, and is once it may", async () => {
  await setPoolShare(world.database.pool, { pool: "default", project: "flood", weight: 1, runningMax: 0 }, "me");
  await world.startScheduler();
  await launch("flood", 2);
  await launch("small", 2);
  expect(await serve((taken) => taken.length === 2)).toEqual(["small", "small"]);
  expect(await commandsOf("flood", "published_at is null")).toBe(2);
  await setPoolShare(world.database.pool, { pool: "default", project: "flood", weight: 1, runningMax: 1 }, "me");
  expect(await serve((taken) => taken.length === 1)).toEqual(["flood"]);
});

import { attemptKey } from "@skein/contracts";
import { PLAIN_SETTINGS } from "@skein/db";
import { Resources_ResourceName } from "@skein/idl/core";
import { chainOf, commandTask, integerInterface, taskNode, waitFor, workflowOf } from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorld, type World } from "./test-world.ts";

const COMMAND = commandTask("command", ["true"]);
const PARTS = ["a", "b", "c"].map((id) => taskNode(id, COMMAND));
const INDEPENDENT = workflowOf("independent", PARTS, integerInterface([], []), []);
const succeeded = { type: "succeeded", startedAtMs: 1, endedAtMs: 2, outputs: { data: "" } } as const;

let world: World;
beforeEach(async () => {
  world = await openWorld();
  await world.startScheduler();
});
afterEach(() => world.close());

const rowsOf = async (sql: string, runId: string) => (await world.database.pool.query(sql, [runId])).rows;
const attemptsOf = (runId: string) =>
  rowsOf("select attempt, phase, error_code, error_message from attempts where run_id = $1 order by 1", runId);

/** The next order of an attempt that was not seen yet: one that nobody claims is published again. */
async function takeNew(seen: Set<string>) {
  const taker = await world.queues.openOrderTaker("default");
  for (;;) {
    const taken = await taker.take(AbortSignal.timeout(10_000));
    if (!taken) throw new Error("no order came");
    const key = attemptKey(taken.order);
    if (!seen.has(key)) {
      seen.add(key);
      return taken;
    }
    await taken.settle();
  }
}

test("a run of one task at a time hands out the next when one is over, over a restart too", {
  timeout: 30_000,
}, async () => {
  const settings = { ...PLAIN_SETTINGS, maxParallelism: 1 };
  const runId = await world.launch(await world.register(INDEPENDENT, [COMMAND]), 1n, { settings });
  const seen = new Set<string>();
  for (const made of [1, 2, 3]) {
    const taken = await takeNew(seen);
    expect(await attemptsOf(runId)).toHaveLength(made);
    const waiting =
      "select name from actions where run_id = $1 and kind = 'task' and phase = 'queued' and attempts = 0";
    expect(await rowsOf(waiting, runId)).toHaveLength(3 - made);
    if (made === 1) await world.restartScheduler(async () => undefined);
    await world.queues.sendReports(taken.order.shard, [world.reportOf(taken.order, succeeded)]);
    await taken.settle();
  }
  await world.untilPhase(runId, "succeeded");
});

test("an attempt that nobody begins in time fails its run, which says where it waited and why", async () => {
  const settings = { ...PLAIN_SETTINGS, queueTimeoutMs: 1_500 };
  const runId = await world.launch(await world.register(chainOf("one", COMMAND, 1), [COMMAND]), 1n, { settings });
  await waitFor(async () => (await attemptsOf(runId)).length === 1);
  await world.database.pool.query("update attempts set waiting_reason = 'ImagePullBackOff' where run_id = $1", [runId]);
  await world.untilPhase(runId, "failed");
  const message = "The attempt waited 1.5 s and was not begun. Its pool is default. ImagePullBackOff";
  expect(await attemptsOf(runId)).toEqual([
    { attempt: 0, phase: "failed", error_code: "QueueTimeout", error_message: message },
  ]);
  expect(await rowsOf("select kind from timers where run_id = $1", runId)).toEqual([]);
});

test("a task that ran out of memory is ordered again with more, also by a scheduler that reads rows", {
  timeout: 30_000,
}, async () => {
  const hungry = commandTask("hungry", ["true"]);
  const target = hungry.spec?.template?.target;
  if (target?.case !== "container") throw new Error("a command runs in a container");
  const requests = [
    {
      $typeName: "flyteidl.core.Resources.ResourceEntry" as const,
      name: Resources_ResourceName.MEMORY,
      value: "100Mi",
    },
  ];
  target.value.resources = { $typeName: "flyteidl.core.Resources", requests, limits: [] };
  const settings = { ...PLAIN_SETTINGS, memoryGrowth: "x2 max 300Mi" };
  const runId = await world.launch(await world.register(chainOf("one", hungry, 1), [hungry]), 1n, { settings });
  const failure = { code: "OOMKilled", message: "killed", kind: "user", recoverable: true } as const;
  const failed = { type: "failed", startedAtMs: 1, endedAtMs: 2, failure } as const;
  const seen = new Set<string>();
  for (const memoryMiB of [100, 200, 300]) {
    const taken = await takeNew(seen);
    expect(taken.order.resources).toMatchObject({ memoryMiB });
    if (memoryMiB === 200) await world.restartScheduler(async () => undefined);
    await world.queues.sendReports(taken.order.shard, [world.reportOf(taken.order, failed)]);
    await taken.settle();
  }
  await world.untilPhase(runId, "failed");
  expect(
    await rowsOf("select attempts, user_failures from actions where run_id = $1 and kind = 'task'", runId),
  ).toEqual([{ attempts: 3, user_failures: 1 }]);
  expect((await attemptsOf(runId))[0]?.error_message).toContain("The next attempt gets 200 MiB");
});

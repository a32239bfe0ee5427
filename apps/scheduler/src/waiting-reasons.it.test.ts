import { create } from "@bufbuild/protobuf";
import { type AttemptOrder, attemptKey } from "@skein/contracts";
import { Resources_ResourceName, ResourcesSchema } from "@skein/idl/core";
import { chainOf, commandTask, insertRow, waitFor } from "@skein/testing";
import { afterEach, expect, test } from "vitest";
import { openWorld, type World } from "./test-world.ts";

let world: World;
afterEach(() => world.close());

const { CPU, MEMORY } = Resources_ResourceName;
const LARGE = commandTask("large", ["true"]);
if (LARGE.spec?.template?.target.case === "container") {
  LARGE.spec.template.target.value.resources = create(ResourcesSchema, {
    requests: [
      { name: CPU, value: "6" },
      { name: MEMORY, value: "2Gi" },
    ],
  });
}
const ASKS = { cpuMillis: 6000, memoryMiB: 2048, gpus: 0 };

const reasonOf = async (runId: string): Promise<string | null | undefined> => {
  const { rows } = await world.database.pool.query<{ reason: string | null }>(
    "select waiting_reason as reason from attempts where run_id = $1",
    [runId],
  );
  return rows[0]?.reason;
};
const insertAgent = (id: string, cpuMillis: number) =>
  insertRow(world.database.pool, "agents", {
    ...{ id, pool: "default", runtime: "process", version: "1", slots: 4, cpu_millis: cpuMillis, memory_mib: 4096 },
    ...{ gpus: 0, heartbeat_at: new Date(), lease_expires_at: new Date(Date.now() + 600_000) },
  });

test("orders say what their containers ask for, also when another scheduler publishes them again, and people read why nobody takes them", async () => {
  world = await openWorld();
  await world.startScheduler();
  const taker = await world.queues.openOrderTaker("default");
  const take = async (): Promise<AttemptOrder | undefined> => {
    const taken = await taker.take(AbortSignal.timeout(20_000));
    await taken?.settle();
    return taken?.order;
  };
  const runId = await world.launch(await world.register(chainOf("chain", LARGE, 1), [LARGE]));
  const order = await take();
  expect(order?.resources).toEqual(ASKS);
  await waitFor(async () => (await reasonOf(runId)) === "No agent serves pool default.", { timeoutMs: 15_000 });

  await insertAgent("small", 2000);
  await world.restartScheduler(async () => {
    // Whatever it published before it ended.
    await world.database.pool.query("truncate bullmq.job cascade");
  });
  const again = await take();
  expect(again && order && attemptKey(again)).toBe(order && attemptKey(order));
  expect(again?.resources).toEqual(ASKS);
  const tooLarge =
    "No agent is large enough: the task asks for 6 CPUs, 2048 MiB of memory; agents of pool default have 2 CPUs, 4096 MiB of memory.";
  await waitFor(async () => (await reasonOf(runId)) === tooLarge, { timeoutMs: 15_000 });
  await insertAgent("large", 8000);
  await waitFor(async () => (await reasonOf(runId)) === null, { timeoutMs: 15_000 });
});

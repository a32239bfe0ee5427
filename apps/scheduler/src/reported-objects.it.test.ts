import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { AttemptId, AttemptReport } from "@skein/contracts";
import { chainOf, commandTask, waitFor } from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorld, type World } from "./test-world.ts";

const COMMAND = commandTask("command", ["true"]);
const BIG = new Uint8Array(100_000);

let world: World;
beforeEach(async () => {
  world = await openWorld();
  await world.startScheduler();
});
afterEach(() => world.close());

async function attemptsOf(runId: string) {
  const { rows } = await world.database.pool.query<Record<"ordinal" | "attempt", number> & Record<string, unknown>>(
    "select ordinal, attempt, phase, error_code, error_kind, error_message from attempts where run_id = $1 order by ordinal, attempt",
    [runId],
  );
  return rows;
}

/** A run of two steps whose first attempt waits for its report. */
async function start(): Promise<{ id: AttemptId; prefix: string }> {
  const runId = await world.launch(await world.register(chainOf("pair", COMMAND, 2), [COMMAND]));
  const { ordinal } = await waitFor(async () => (await attemptsOf(runId))[0]);
  const { rows } = await world.database.pool.query<{ run: string; action: string }>(
    "select r.name as run, a.name as action from runs r join actions a on a.run_id = r.id where r.id = $1 and a.ordinal = $2",
    [runId, ordinal],
  );
  const prefix = `file://${world.storage}/meta/flytesnacks/development/${rows[0]?.run}/${rows[0]?.action}/0`;
  return { id: { runId, ordinal, attempt: 0 }, prefix };
}

const report = (id: AttemptId, outcome: Partial<AttemptReport["outcome"]>) =>
  world.queues.sendReports(0, [
    world.reportOf(id, {
      type: "succeeded",
      startedAtMs: 1,
      endedAtMs: 2,
      outputs: { data: "" },
      ...outcome,
    } as AttemptReport["outcome"]),
  ]);

async function write(uri: string): Promise<void> {
  const path = uri.slice("file://".length);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, BIG);
}

async function untilRefused(runId: string): Promise<void> {
  const attempts = await waitFor(async () => {
    const rows = await attemptsOf(runId);
    return rows.length === 2 ? rows : undefined;
  });
  expect(attempts).toMatchObject([
    { attempt: 0, phase: "failed", error_code: "OutputsNotFound", error_kind: "system" },
    { attempt: 1, phase: "queued" },
  ]);
}

test("outputs that were never written fail the attempt, which is made again", async () => {
  const { id, prefix } = await start();
  await report(id, { outputs: { uri: `${prefix}/outputs.pb`, sizeBytes: BIG.length } });
  await untilRefused(id.runId);
});

test("outputs of another attempt are not read for an agent, although they are there", async () => {
  const { id, prefix } = await start();
  const foreign = prefix.replace("/flytesnacks/", "/other-tenant/").concat("/outputs.pb");
  await write(foreign);
  await report(id, { outputs: { uri: foreign, sizeBytes: BIG.length } });
  await untilRefused(id.runId);
  expect((await attemptsOf(id.runId))[0]?.error_message).toContain("not below its attempt's folder");
  const { rows } = await world.database.pool.query("select 1 from action_values where uri is not null");
  expect(rows).toEqual([]);
});

test("a foreign deck is refused with its report, whatever that says", async () => {
  const { id, prefix } = await start();
  const failure = { code: "USER:E", message: "x", kind: "user", recoverable: false } as const;
  await report(id, { type: "failed", failure, deckUri: `${prefix}/../../../secret/deck.html` } as never);
  await untilRefused(id.runId);
  const { rows } = await world.database.pool.query("select 1 from actions where deck_uri is not null");
  expect(rows).toEqual([]);
});

test("an order whose large inputs are gone does not keep those of other runs from the queue", async () => {
  const big = commandTask("big", ["true"], { inputs: ["x"] });
  const runId = await world.launch(await world.register(chainOf("big", big, 1), [big]), "v".repeat(1_500_000));
  await waitFor(async () => (await attemptsOf(runId)).length === 1);
  const { id: other } = await start();
  await rm(`${world.storage}/meta`, { recursive: true });
  await world.restartScheduler(async () => {
    await world.database.pool.query("truncate bullmq.job cascade");
    await world.database.pool.query("update commands set published_at = null");
  });
  const taker = await world.queues.openOrderTaker("default");
  const taken = new Set<string>();
  while (taken.size < 2) {
    const next = await taker.take(AbortSignal.timeout(4_000));
    if (!next) break;
    taken.add(next.order.runId);
    await next.settle();
  }
  expect(taken).toEqual(new Set([runId, other.runId]));
});

test("while the store is away a report waits, other runs go on, and then it is applied", async () => {
  const { id, prefix } = await start();
  const uri = `${prefix}/outputs.pb`;
  await write(uri);
  // A link to itself: an error that is not the absence of an object.
  const real = `${world.storage}/meta-away`;
  await rename(`${world.storage}/meta`, real);
  await symlink("meta", `${world.storage}/meta`);
  await report(id, { outputs: { uri, sizeBytes: BIG.length }, deckUri: `${prefix}/deck.html` } as never);
  const other = await world.launch(await world.register(chainOf("one", COMMAND, 1), [COMMAND]));
  const { ordinal } = await waitFor(async () => (await attemptsOf(other))[0]);
  await report({ runId: other, ordinal, attempt: 0 }, {});
  await world.untilPhase(other, "succeeded");
  expect(await attemptsOf(id.runId)).toMatchObject([{ phase: "queued" }]);
  await rm(`${world.storage}/meta`);
  await rename(real, `${world.storage}/meta`);
  await waitFor(async () => (await attemptsOf(id.runId))[0]?.phase === "succeeded");
});

import { chainOf, echoTask, waitFor } from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorld, type World } from "./test-world.ts";

const ECHO = echoTask("echo");

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const query = async (sql: string, values: unknown[] = []) => (await world.database.pool.query(sql, values)).rows;

async function expectFailed(runId: string): Promise<void> {
  await world.untilPhase(runId, "failed", 30_000);
  expect(await query("select error_code, error_kind, error_message from runs where id = $1", [runId])).toEqual([
    {
      error_code: "InternalError",
      error_kind: "system",
      error_message: expect.stringMatching(/[0-9a-f]{8}-[0-9a-f-]{27}/),
    },
  ]);
  for (const table of ["actions", "attempts"])
    expect(await query(`select 1 from ${table} where run_id = $1 and ended_at is null`, [runId])).toEqual([]);
  for (const table of ["claims", "commands", "timers", "events"])
    expect(await query(`select 1 from ${table} where run_id = $1`, [runId])).toEqual([]);
}

test("a run whose rows cannot be written is failed, and those of its batch go on", { timeout: 60_000 }, async () => {
  const workflow = await world.register(chainOf("pair", ECHO, 2), [ECHO]);
  const poison = await world.launch(workflow);
  const others = [];
  for (let index = 0; index < 10; index += 1) others.push(await world.launch(workflow));
  await query(`alter table actions add check (run_id <> '${poison}' or name <> 'n1')`);
  await world.startEcho();
  await world.startScheduler();
  for (const runId of others) await world.untilPhase(runId, "succeeded", 5_000);
  expect(await world.phaseOf(poison)).toBe("running");
  await expectFailed(poison);
});

test("a run whose state makes no sense is failed without being read", { timeout: 60_000 }, async () => {
  const scheduler = await world.startScheduler();
  const runId = await world.launch(await world.register(chainOf("pair", ECHO, 2), [ECHO]));
  const [action] = await waitFor(async () => {
    const rows = await query("select ordinal from attempts where run_id = $1", [runId]);
    return rows.length > 0 ? rows : undefined;
  });
  await scheduler.close();
  await query("update actions set spec_node_id = 'no-such-node' where run_id = $1 and ordinal = $2", [
    runId,
    action.ordinal,
  ]);
  await world.startScheduler();
  await world.startEcho();
  await expectFailed(runId);
});

test("a run whose workflow cannot be read is failed", { timeout: 60_000 }, async () => {
  const good = await world.register(chainOf("one", ECHO, 1), [ECHO]);
  const bad = await world.register(chainOf("two", ECHO, 1), [ECHO]);
  await query("update workflows set compiled = '\\x07ff' where id = $1", [bad]);
  const broken = await world.launch(bad);
  const fine = await world.launch(good);
  await world.startEcho();
  await world.startScheduler();
  await world.untilPhase(fine, "succeeded", 5_000);
  await expectFailed(broken);
});

import { setBackfillPhase } from "@skein/db";
import { seededRandom, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backfillMinutes, driveToTheEnd, MINUTE_MS, stateOf } from "./test-backfills.ts";
import { cron, momentOf, openScheduleWorld, type ScheduleWorld } from "./test-schedules.ts";

let world: ScheduleWorld;
beforeAll(async () => {
  world = await openScheduleWorld();
});
afterAll(() => world.close());

const minutesFrom = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => (from + at) * MINUTE_MS);

test("60 ticks, stopped, resumed and driven by two schedulers that die, make one run each", {
  timeout: 120_000,
}, async () => {
  await world.register("sixty", undefined);
  const id = await backfillMinutes(world, "sixty", { from: 1_000, count: 60 });
  const settings = { name: "sixty", id, random: seededRandom(60), atOnce: 20 };
  await driveToTheEnd(world, settings, async () => {
    expect(await setBackfillPhase(world.database.db, id, "paused", ["running"])).toBe(true);
    const before = (await world.runsOf("sixty")).length;
    expect(before).toBeLessThan(60);
    await world.endRuns("sixty");
    await world.pass(1);
    expect(await world.runsOf("sixty")).toHaveLength(before);
    expect(await setBackfillPhase(world.database.db, id, "running", ["paused"])).toBe(true);
  });
  expect(await world.firedOf("sixty")).toEqual(minutesFrom(1_000, 60));
  expect(await stateOf(world, id)).toEqual({ phase: "done", launched: 60 });
});

test("only so many runs go on at once, in the order that was asked for, in the name of who asked", async () => {
  await world.register("newest", undefined);
  const id = await backfillMinutes(world, "newest", { from: 1_000, count: 5 }, { order: "newest", maxParallel: 2 });
  await world.round();
  const runs = await world.runsOf("newest");
  expect(runs.map(momentOf)).toEqual(minutesFrom(1_003, 2));
  expect(runs[0]).toMatchObject({ principal: "somebody", mode: "scheduled" });
  expect(runs[0]?.spec.tags).toEqual([`backfill-${id}`]);
  await setBackfillPhase(world.database.db, id, "cancelled", ["running"]);
  await world.endRuns("newest");
  await world.round();
  expect(await stateOf(world, id)).toEqual({ phase: "cancelled", launched: 2, cancelled: 3 });
});

test("a tick that has its run gets no other one, unless that is what was asked for", async () => {
  world.nowMs = 2_000 * MINUTE_MS;
  await world.activate("shared", cron("* * * * *"), { "catch-up": "all max 3" });
  await world.pass(5);
  expect((await world.ticksOf("shared")).map((tick) => tick.slice(6))).toEqual([
    "missed",
    "missed",
    "launched",
    "launched",
    "launched",
  ]);
  // The schedule's ticks are 2001 to 2005, and the backfill takes the two that were missed.
  const first = await backfillMinutes(world, "shared", { from: 1_999, count: 7 });
  await world.round();
  expect(await stateOf(world, first)).toEqual({ phase: "running", launched: 4 });
  const second = await backfillMinutes(world, "shared", { from: 1_999, count: 7 });
  await world.round();
  expect(await stateOf(world, second)).toEqual({ phase: "done" });
  expect(await world.firedOf("shared")).toEqual(minutesFrom(1_999, 7));
  const third = await backfillMinutes(world, "shared", { from: 2_001, count: 1 }, { again: true });
  await world.round();
  expect(await stateOf(world, third)).toEqual({ phase: "running", launched: 1 });
  expect(await world.firedOf("shared")).toHaveLength(8);
});

test("a backfill whose launches are refused ends, with the reasons", async () => {
  await world.register("refusing", undefined);
  const id = await backfillMinutes(world, "refusing", { from: 1_000, count: 3 }, { kickoffInput: "" });
  await world.round();
  await world.round();
  expect(await stateOf(world, id)).toEqual({ phase: "done", failed: 3 });
  const { rows } = await world.database.pool.query(
    "select distinct reason from schedule_ticks where name = 'refusing' and project = $1",
    [TEST_TENANT.project],
  );
  expect(rows).toHaveLength(1);
  expect(rows[0].reason).toMatch(/^Inputs are invalid: .*t/);
});

import { setBackfillPhase } from "@skein/db";
import { seededRandom } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backfillMinutes, driveToTheEnd, MINUTE_MS, stateOf } from "./test-backfills.ts";
import { openScheduleWorld, type ScheduleWorld } from "./test-schedules.ts";

let world: ScheduleWorld;
beforeAll(async () => {
  world = await openScheduleWorld();
});
afterAll(() => world.close());

test("1,000 ticks, stopped, resumed and driven by two schedulers that die, make one run each", {
  timeout: 600_000,
}, async () => {
  await world.register("thousand", undefined);
  const id = await backfillMinutes(world, "thousand", { from: 1_000, count: 1_000 }, { maxParallel: 50 });
  await driveToTheEnd(world, { name: "thousand", id, random: seededRandom(1_000), atOnce: 100 }, async () => {
    await setBackfillPhase(world.database.db, id, "paused", ["running"]);
    await world.pass(10);
    await setBackfillPhase(world.database.db, id, "running", ["paused"]);
  });
  const expected = Array.from({ length: 1_000 }, (_, at) => (1_000 + at) * MINUTE_MS);
  expect(await world.firedOf("thousand")).toEqual(expected);
  expect(await stateOf(world, id)).toEqual({ phase: "done", launched: 1_000 });
});

import { create } from "@bufbuild/protobuf";
import { LaunchPlanSpecSchema } from "@skein/idl/admin";
import type { RunStarter } from "@skein/launch";
import { openTicks, plannedSchedule } from "@skein/schedule";
import { seededRandom } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeDueTicks } from "./fire-schedules.ts";
import { cron, everyMinutes, openScheduleWorld, type Schedule, type ScheduleWorld } from "./test-schedules.ts";

let world: ScheduleWorld;
beforeAll(async () => {
  world = await openScheduleWorld();
});
afterAll(() => world.close());

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const START_MS = Date.parse("2026-10-24T18:00:00Z");
const END_MS = START_MS + 24 * HOUR_MS;

/** What is fired on a day on which the clocks of Europe go back, and where. */
const SCHEDULES: Record<string, { readonly schedule: Schedule; readonly timeZone: string; readonly count: number }> = {
  "every-ten": { schedule: cron("*/10 * * * *"), timeZone: "UTC", count: 144 },
  "every-hour": { schedule: cron("0 * * * *"), timeZone: "Europe/Berlin", count: 24 },
  "in-the-night": { schedule: cron("30 2,14 * * *"), timeZone: "Europe/Berlin", count: 2 },
  rate: { schedule: everyMinutes(17), timeZone: "UTC", count: 84 },
};

function expectedOf(name: string): number[] {
  const { schedule, timeZone } = SCHEDULES[name] ?? { schedule: {}, timeZone: "" };
  const planned = plannedSchedule(create(LaunchPlanSpecSchema, { entityMetadata: { schedule } }));
  if (!planned) throw new Error(`${name} has a schedule`);
  return openTicks(planned.definition, { timeZone, anchorMs: START_MS }).between(START_MS, END_MS, 10_000);
}

test("a day with two schedulers, crashes, restarts, and clocks that are set forward and back fires each tick once", {
  timeout: 120_000,
}, async () => {
  const random = seededRandom(20_261_024);
  world.nowMs = START_MS;
  for (const [name, { schedule, timeZone }] of Object.entries(SCHEDULES)) {
    await world.activate(name, schedule, { timezone: timeZone, "catch-up": "all max 1000" });
  }
  let crashes = 0;
  /** Dies right after it has started a run, before it could write so. */
  const dying =
    (startRun: RunStarter): RunStarter =>
    async (launch) => {
      const outcome = await startRun(launch);
      if (random.below(8) === 0) {
        crashes += 1;
        throw new Error("the scheduler died");
      }
      return outcome;
    };
  while (world.nowMs < END_MS) {
    world.nowMs = Math.min(END_MS, world.nowMs + MINUTE_MS + random.below(25 * MINUTE_MS));
    // One clock is right; the other is half an hour ahead or behind for a while, but not beyond the day.
    const ahead = Math.min(30 * MINUTE_MS, END_MS - world.nowMs);
    const skewMs = random.pick([0, 0, ahead, -30 * MINUTE_MS]);
    // Both have just been started: they remember nothing.
    const both = [world.tools(0, dying), world.tools(skewMs, dying)] as const;
    if (random.below(5) === 0) await writeDueTicks(both[0], 0);
    else await Promise.all(both.map((tools) => world.round(tools)));
  }
  await world.pass(0.9);
  for (const [name, { count }] of Object.entries(SCHEDULES)) {
    const expected = expectedOf(name);
    expect(expected).toHaveLength(count);
    expect(await world.firedOf(name), name).toEqual(expected);
  }
  expect(crashes).toBeGreaterThan(5);
});

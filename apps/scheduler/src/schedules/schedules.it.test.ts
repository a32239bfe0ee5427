import { fromBinary } from "@bufbuild/protobuf";
import { setSchedulePaused, setSchedulePolicy } from "@skein/db";
import { LiteralMapSchema } from "@skein/idl/core";
import { TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cron, everyMinutes, openScheduleWorld, type ScheduleWorld } from "./test-schedules.ts";

let world: ScheduleWorld;
beforeAll(async () => {
  world = await openScheduleWorld();
});
afterAll(() => world.close());

const HOURLY = cron("0 * * * *");
const idOf = (name: string) => ({ ...TEST_TENANT, name });
const change = () => ({ changedBy: "somebody", at: new Date(world.nowMs) });
/** The clock at a full hour of a day. */
const at = (hour: string): void => {
  world.nowMs = Date.parse(`2026-03-10T${hour}Z`);
};

test("the run of a tick is a scheduled one, knows its moment, and is named as Flyte names it", async () => {
  at("08:30:00");
  await world.activate("plain", HOURLY);
  await world.pass(30);
  const [run, ...others] = await world.runsOf("plain");
  expect(others).toEqual([]);
  expect(run).toMatchObject({ mode: "scheduled", principal: "skein-scheduler" });
  expect(run?.name).toMatch(/^f[0-9a-f]{16}000$/);
  const given = fromBinary(LiteralMapSchema, run?.inputs ?? new Uint8Array()).literals.t;
  expect(JSON.stringify(given, (_, value) => (typeof value === "bigint" ? Number(value) : value))).toContain(
    `"seconds":${world.nowMs / 1_000}`,
  );
});

test.each([
  ["all max 2", ["09:00 missed", "10:00 missed", "11:00 launched", "12:00 launched"]],
  ["latest", ["09:00 missed", "10:00 missed", "11:00 missed", "12:00 launched"]],
  ["none", ["09:00 missed", "10:00 missed", "11:00 missed", "12:00 launched"]],
  ["all", ["09:00 launched", "10:00 launched", "11:00 launched", "12:00 launched"]],
])("after an outage the catch-up policy %s decides", async (catchUp, expected) => {
  at("08:30:00");
  const name = `late-${catchUp.replaceAll(" ", "-")}`;
  await world.activate(name, HOURLY, { "catch-up": catchUp });
  at("12:00:30");
  await world.round();
  expect(await world.ticksOf(name)).toEqual(expected);
});

test("without catch-up a tick that is minutes late is missed", async () => {
  at("08:30:00");
  await world.activate("too-late", HOURLY, { "catch-up": "none" });
  at("09:05:00");
  await world.round();
  expect(await world.ticksOf("too-late")).toEqual(["09:00 missed"]);
});

test("neither registering nor activating fires what is over, and a rate outlives a new version", async () => {
  at("08:00:00");
  await world.activate("deployed", everyMinutes(60));
  await world.pass(50);
  // The same schedule in a new version, and the same version once more.
  const second = await world.activate("deployed", everyMinutes(60), {}, "v2");
  await world.setState(second, "active");
  await world.pass(15);
  expect(await world.ticksOf("deployed")).toEqual(["09:00 launched"]);
  // Another schedule begins when it is activated.
  await world.activate("deployed", everyMinutes(40), {}, "v3");
  await world.pass(39);
  expect(await world.ticksOf("deployed")).toHaveLength(1);
  await world.pass(1);
  expect(await world.ticksOf("deployed")).toEqual(["09:00 launched", "09:45 launched"]);
});

test("a launch plan that is deactivated fires nothing, and nothing of the time between when it is back", async () => {
  at("08:30:00");
  const id = await world.activate("off-and-on", HOURLY);
  await world.pass(40);
  await world.setState(id, "inactive");
  await world.pass(120);
  await world.setState(id, "active");
  await world.pass(60);
  expect(await world.ticksOf("off-and-on")).toEqual(["09:00 launched", "12:00 launched"]);
});

test("a version without a schedule takes the place of one with it", async () => {
  at("08:30:00");
  await world.activate("replaced", HOURLY);
  await world.setState(await world.register("replaced", undefined, {}, "v2"), "active");
  await world.pass(60);
  expect(await world.ticksOf("replaced")).toEqual([]);
});

test("a pause leaves its ticks out, and a new zone begins when it is set", async () => {
  at("08:30:00");
  await world.activate("paused", cron("0 9-12 * * *"));
  await setSchedulePaused(world.database.db, idOf("paused"), true, change());
  await world.pass(60);
  await setSchedulePaused(world.database.db, idOf("paused"), false, change());
  await world.pass(60);
  expect(await world.ticksOf("paused")).toEqual(["10:00 launched"]);
  await setSchedulePolicy(world.database.db, idOf("paused"), { timeZone: "Asia/Tokyo" }, change());
  await world.pass(180);
  expect(await world.ticksOf("paused")).toEqual(["10:00 launched"]);
});

test("what is refused is told once and never tried again", async () => {
  at("08:30:00");
  await world.activate("refused", HOURLY);
  await world.database.pool.query("update projects set state = 'archived'");
  await world.pass(30);
  await world.database.pool.query("update projects set state = 'active'");
  await world.pass(1);
  expect(await world.ticksOf("refused")).toEqual(["09:00 failed"]);
  const { rows } = await world.database.pool.query("select reason from schedule_ticks where name = 'refused'");
  expect(rows).toEqual([{ reason: "Project flytesnacks is archived." }]);
});

test("what was active before anybody could fire it begins now", async () => {
  at("08:30:00");
  await world.register("unwatched", HOURLY);
  await world.database.pool.query("update launch_plans set state = 'active' where name = 'unwatched'");
  await world.round();
  await world.pass(30);
  expect(await world.ticksOf("unwatched")).toEqual(["09:00 launched"]);
});

test("skip: no tick is launched while the run of an earlier one goes on", async () => {
  at("08:30:00");
  await world.activate("skips", HOURLY, { overlap: "skip" });
  await world.pass(30);
  await world.pass(60);
  await world.endRuns("skips");
  await world.pass(60);
  expect(await world.ticksOf("skips")).toEqual(["09:00 launched", "10:00 skipped", "11:00 launched"]);
});

test("queue: ticks wait for the run before them, in their order", async () => {
  at("08:30:00");
  await world.activate("queues", HOURLY, { overlap: "queue" });
  for (const minutes of [30, 60, 60]) await world.pass(minutes);
  expect(await world.ticksOf("queues")).toEqual(["09:00 launched", "10:00 pending", "11:00 pending"]);
  await world.endRuns("queues", "aborted");
  await world.round();
  expect(await world.ticksOf("queues")).toEqual(["09:00 launched", "10:00 launched", "11:00 pending"]);
});

test("cancel: the newest tick ends the run before it, once, and begins when that is over", async () => {
  at("08:30:00");
  await world.activate("cancels", HOURLY, { overlap: "cancel" });
  for (const minutes of [30, 60, 60]) await world.pass(minutes);
  expect(await world.ticksOf("cancels")).toEqual(["09:00 launched", "10:00 skipped", "11:00 pending"]);
  const [run] = await world.runsOf("cancels");
  const { rows } = await world.database.pool.query(
    "select event->>'type' as type from events where run_id = $1 order by id",
    [run?.id],
  );
  expect(rows).toEqual([{ type: "runStarted" }, { type: "runAbortRequested" }]);
  await world.endRuns("cancels", "aborted");
  await world.round();
  expect(await world.ticksOf("cancels")).toEqual(["09:00 launched", "10:00 skipped", "11:00 launched"]);
});

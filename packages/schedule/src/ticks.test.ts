import { seededRandom } from "@skein/testing";
import { describe, expect, test } from "vitest";
import type { ScheduleDefinition } from "./definition.ts";
import { checkDefinition, openTicks } from "./ticks.ts";

const cron = (expression: string, offsetMs = 0): ScheduleDefinition => ({
  kind: "cron",
  expression,
  dialect: "unix",
  offsetMs,
});
const aws = (expression: string): ScheduleDefinition => ({ kind: "cron", expression, dialect: "aws", offsetMs: 0 });
const at = (text: string): number => Date.parse(text);

/** The next moments, in UTC, without what is the same in all of them. */
function nextOf(definition: ScheduleDefinition, timeZone: string, from: string, count = 4): string[] {
  const ticks = openTicks(definition, { timeZone, anchorMs: 0 });
  const found = ticks.between(at(from), Number.MAX_SAFE_INTEGER / 4, count);
  return found.map((moment) => new Date(moment).toISOString().replace(/:00\.000Z$/, "Z"));
}

describe("expressions", () => {
  test.each([
    ["*/20 * * * *", ["2026-01-01T00:20Z", "2026-01-01T00:40Z", "2026-01-01T01:00Z"]],
    ["5/20 * * * *", ["2026-01-01T00:05Z", "2026-01-01T00:25Z", "2026-01-01T00:45Z"]],
    ["0 9 * * mon-fri", ["2026-01-01T09:00Z", "2026-01-02T09:00Z", "2026-01-05T09:00Z"]],
    ["0 0 ? feb 7", ["2026-02-01T00:00Z", "2026-02-08T00:00Z", "2026-02-15T00:00Z"]],
    ["0 0 13 * 5", ["2026-01-02T00:00Z", "2026-01-09T00:00Z", "2026-01-13T00:00Z"]],
    ["@daily", ["2026-01-02T00:00Z", "2026-01-03T00:00Z", "2026-01-04T00:00Z"]],
    ["Hourly", ["2026-01-01T01:00Z", "2026-01-01T02:00Z", "2026-01-01T03:00Z"]],
    ["years", ["2027-01-01T00:00Z", "2028-01-01T00:00Z", "2029-01-01T00:00Z"]],
  ])("cron %s", (expression, expected) => {
    expect(nextOf(cron(expression), "UTC", "2026-01-01T00:00:00Z", 3)).toEqual(expected);
  });

  test.each([
    ["0/15 * * * ? *", ["2026-01-01T00:15Z", "2026-01-01T00:30Z", "2026-01-01T00:45Z"]],
    ["0 10 ? * 2-6 2027", ["2027-01-01T10:00Z", "2027-01-04T10:00Z", "2027-01-05T10:00Z"]],
    ["0 10 ? * 6L *", ["2026-01-30T10:00Z", "2026-02-27T10:00Z", "2026-03-27T10:00Z"]],
    ["0 10 ? * L *", ["2026-01-03T10:00Z", "2026-01-10T10:00Z", "2026-01-17T10:00Z"]],
    ["0 10 ? * 3#2 *", ["2026-01-13T10:00Z", "2026-02-10T10:00Z", "2026-03-10T10:00Z"]],
    ["0 10 L * ? *", ["2026-01-31T10:00Z", "2026-02-28T10:00Z", "2026-03-31T10:00Z"]],
    ["0 10 15W * ? *", ["2026-01-15T10:00Z", "2026-02-16T10:00Z", "2026-03-16T10:00Z"]],
  ])("AWS %s", (expression, expected) => {
    expect(nextOf(aws(expression), "UTC", "2026-01-01T00:00:00Z", 3)).toEqual(expected);
  });

  test("an offset moves every tick, and a year that is over has no next one", () => {
    expect(nextOf(cron("@daily", 1_800_000), "UTC", "2026-01-01T00:10:00Z", 2)).toEqual([
      "2026-01-01T00:30Z",
      "2026-01-02T00:30Z",
    ]);
    expect(nextOf(aws("0 10 * * ? 2020"), "UTC", "2026-01-01T00:00:00Z")).toEqual([]);
    checkDefinition(aws("0 10 * * ? 2020"), "UTC", "f");
  });

  test.each([
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "x * * * *",
    "@sometimes",
    "@every 1h",
    "0 0 32 * *",
    "0 0 31 2 *",
    "0 0 1 * +1",
    "5-2 * * * *",
    "1,,2 * * * *",
  ])("cron %s is refused, and the field named", (text) => {
    expect(() => checkDefinition(cron(text), "UTC", "the.field")).toThrow(/^the\.field (is|never)/);
  });

  test.each(["0 10 * * *", "0 10 1 * 2 *", "0 10 * * ? 1", "0 10 ? * 8 *"])("AWS %s is refused", (text) => {
    expect(() => checkDefinition(aws(text), "UTC", "the.field")).toThrow(/^the\.field (is|never)/);
  });
});

describe("clocks that are changed", () => {
  test.each([
    // A moment in the gap comes right after it, one that comes twice counts once.
    ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["03-29T01:00", "03-30T00:30", "03-31T00:30"]],
    ["30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["10-25T00:30", "10-26T01:30", "10-27T01:30"]],
    ["30 2,14 * * *", "Europe/Berlin", "2026-03-28T14:00:00Z", ["03-29T01:00", "03-29T12:30", "03-30T00:30"]],
    // Every half hour is every half hour.
    ["*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", ["03-29T00:30", "03-29T01:00", "03-29T01:30"]],
    ["*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", ["10-25T00:30", "10-25T01:00", "10-25T01:30"]],
    // Half an hour of daylight saving.
    ["15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", ["10-03T15:30", "10-04T15:15", "10-05T15:15"]],
    ["*/15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:30:00Z", ["04-04T14:45", "04-04T15:00", "04-04T15:15"]],
    // Midnight that did not exist, and a day that did not.
    ["0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", ["11-04T03:00", "11-05T02:00", "11-06T02:00"]],
    ["45 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", ["02-18T01:45", "02-19T02:45", "02-20T02:45"]],
    ["0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", ["12-29T22:00", "12-30T22:00", "12-31T22:00"]],
  ])("%s in %s after %s", (expression, timeZone, from, expected) => {
    expect(nextOf(cron(expression), timeZone, from, 3).map((text) => text.slice(5, 16))).toEqual(expected);
  });

  test("a place that nobody knows is refused", () => {
    for (const timeZone of ["Europe/Atlantis", "+02:00", ""]) {
      expect(() => openTicks(cron("@daily"), { timeZone, anchorMs: 0 })).toThrow(/time zone/);
    }
  });
});

describe("rates", () => {
  const every = (value: number, unit: "minute" | "hour" | "day" = "minute"): ScheduleDefinition => ({
    kind: "rate",
    value,
    unit,
  });
  const anchorMs = at("2026-01-01T00:00:30Z");

  test("are counted from the anchor, whenever one asks", () => {
    const ticks = openTicks(every(7), { timeZone: "UTC", anchorMs });
    expect(ticks.nextAfter(anchorMs - 1_000_000)).toBe(anchorMs + 420_000);
    expect(ticks.nextAfter(anchorMs)).toBe(anchorMs + 420_000);
    expect(ticks.nextAfter(anchorMs + 419_999)).toBe(anchorMs + 420_000);
    expect(ticks.nextAfter(anchorMs + 420_000)).toBe(anchorMs + 840_000);
  });

  test("of nothing, or of more than there is time, are refused", () => {
    expect(() => checkDefinition(every(0), "UTC", "s")).toThrow(/s\.rate\.value/);
    expect(() => checkDefinition(every(2 ** 53), "UTC", "s")).toThrow(/s\.rate\.value/);
  });
});

describe("whatever the schedule", () => {
  const ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
  ];
  const STARTS = [
    "2018-02-17T00:00:00Z",
    "2018-11-03T00:00:00Z",
    "2026-03-28T12:00:00Z",
    "2026-04-04T06:00:00Z",
    "2026-10-03T06:00:00Z",
    "2026-10-24T12:00:00Z",
  ];
  const HOURS = ["*", "*/3", "2", "0,2,3", "1-4", "23"];
  const MINUTES = ["*/7", "0", "30", "15,45", "0-30/10", "59"];

  test("asking step by step, for all at once and for the newest gives the same, and none twice", () => {
    const random = seededRandom(20_261_025);
    for (let round = 0; round < 40; round++) {
      const definition = cron(`${random.pick(MINUTES)} ${random.pick(HOURS)} * * *`);
      const ticks = openTicks(definition, { timeZone: random.pick(ZONES), anchorMs: 0 });
      const from = at(random.pick(STARTS)) + random.below(3_600_000);
      const until = from + 36 * 3_600_000;
      const all = ticks.between(from, until, 10_000);
      // A process that restarts between any two ticks sees no other moments.
      const chain: number[] = [];
      for (let next = ticks.nextAfter(from); next !== undefined && next <= until; ) {
        chain.push(next);
        next = ticks.nextAfter(next + random.below(30_000) * random.below(2));
      }
      expect(chain).toEqual(all);
      expect(all.every((moment, index) => index === 0 || moment > (all[index - 1] ?? 0))).toBe(true);
      const cut = from + random.below(until - from);
      expect([...ticks.between(from, cut, 10_000), ...ticks.between(cut, until, 10_000)]).toEqual(all);
      expect(ticks.newestBetween(from, until, 5)).toEqual(all.slice(-5));
    }
  });

  test("the newest of years are found without walking over them", () => {
    const ticks = openTicks(cron("* * * * *"), { timeZone: "UTC", anchorMs: 0 });
    const until = at("2026-11-21T18:00:00Z");
    const newest = ticks.newestBetween(at("2016-01-01T00:00:00Z"), until, 700);
    expect(newest).toHaveLength(700);
    expect(newest.at(-1)).toBe(until);
    expect(newest[0]).toBe(until - 699 * 60_000);
  });
});

import { expect, test } from "vitest";
import { formatMoment, formatSeconds, formatSpan } from "./moment.ts";

test("a moment says its zone", () => {
  const shown = formatMoment("2026-01-31T12:00:00.000Z");
  expect(shown).toMatch(/^2026-\d\d-\d\d \d\d:\d\d:00 [+-]\d\d:\d\d$/);
  const [date, time, zone] = shown.split(" ");
  expect(new Date(`${date}T${time}${zone}`).toISOString()).toBe("2026-01-31T12:00:00.000Z");
  expect(formatMoment(null)).toBe("-");
  expect(formatMoment("soon")).toBe("soon");
});

test("a length of time has two units at most", () => {
  const cases = [
    [0.42, "0.42s"],
    [12.34, "12.3s"],
    [59.96, "1m00s"],
    [184, "3m04s"],
    [7_500, "2h05m"],
    [266_400, "3d02h"],
  ] as const;
  for (const [seconds, shown] of cases) expect(formatSeconds(seconds)).toBe(shown);
  expect(formatSeconds(null)).toBe("-");
});

test("what is not over counts until now", () => {
  const startedAt = "2026-01-31T12:00:00.000Z";
  const now = new Date("2026-01-31T12:01:00.000Z").getTime();
  expect(formatSpan({ startedAt, durationSeconds: null }, now)).toBe("1m00s");
  expect(formatSpan({ startedAt, durationSeconds: 2 }, now)).toBe("2.0s");
  expect(formatSpan({ startedAt: null, durationSeconds: null }, now)).toBe("-");
});

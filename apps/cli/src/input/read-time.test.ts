import { expect, test } from "vitest";
import { readMoment, readPairs, readSeconds, readWhole } from "./read-time.ts";

test("a length of time has units, or is in seconds", () => {
  const cases = [
    ["90", 90],
    ["90s", 90],
    ["5m", 300],
    ["1h30m", 5_400],
    ["2d", 172_800],
    ["1w", 604_800],
    ["500ms", 0.5],
  ] as const;
  for (const [text, seconds] of cases) expect(readSeconds(text, "--timeout")).toBe(seconds);
  for (const text of ["", "5 m", "-5m", "m", "5y"]) {
    expect(() => readSeconds(text, "--timeout")).toThrow("--timeout: must be a length of time");
  }
});

test("a moment is a date with or without a zone, or how long ago", () => {
  const now = new Date("2026-01-31T12:00:00.000Z").getTime();
  expect(readMoment("2h", "--since", now)).toBe("2026-01-31T10:00:00.000Z");
  expect(readMoment("2026-01-31T12:00:00+01:00", "--since")).toBe("2026-01-31T11:00:00.000Z");
  expect(readMoment("2026-01-31", "--since")).toBe(new Date(2026, 0, 31).toISOString());
  expect(readMoment("2026-01-31 08:30", "--since")).toBe(new Date(2026, 0, 31, 8, 30).toISOString());
  for (const text of ["yesterday", "1", "2026-13-01", "2026"]) {
    expect(() => readMoment(text, "--since")).toThrow("--since: must be a moment");
  }
});

test("pairs keep everything behind the first equals sign", () => {
  expect(readPairs(["a=b=c", "d="], "--label")).toEqual({ a: "b=c", d: "" });
  expect(() => readPairs(["=x"], "--label")).toThrow('--label: "=x" must be name=value');
  expect(readWhole("7", "--limit", 1, 10)).toBe(7);
  expect(() => readWhole("1e1", "--limit", 1, 10)).toThrow("--limit: must be a whole number from 1 to 10");
});

import { expect, test } from "vitest";
import { median, missedMarks } from "./marks.ts";

test("a figure on the wrong side of its mark is told", () => {
  expect(missedMarks("chain-40", "redis", { seconds: 0.41 })).toEqual(["chain-40 on redis: seconds 0.41 > 0.4"]);
  expect(missedMarks("runs-1000", "postgres", { per_second: 119 })).toEqual([
    "runs-1000 on postgres: per_second 119 < 120",
  ]);
  expect(missedMarks("chain-40", "redis", { seconds: 0.4 })).toEqual([]);
});

test("a figure that was not measured counts as missed", () => {
  expect(missedMarks("nodes-10000", "redis", { seconds: 3 })).toEqual([
    "nodes-10000 on redis gave no register_seconds",
  ]);
});

test("the median of five is the third", () => {
  expect(median([5, 1, 4, 2, 3])).toBe(3);
});

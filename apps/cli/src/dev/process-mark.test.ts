import { expect, test } from "vitest";
import { isRunning, markOf } from "./process-mark.ts";

test("a mark is of one process: this one runs, another with its pid does not", () => {
  const mark = markOf(process.pid);
  expect(mark?.pid).toBe(process.pid);
  expect(mark && isRunning(mark)).toBe(true);
  expect(isRunning({ pid: process.pid, startedAt: "long ago" })).toBe(false);
  expect(markOf(2 ** 30)).toBeUndefined();
});

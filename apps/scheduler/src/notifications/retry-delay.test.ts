import { expect, test } from "vitest";
import { retryDelayMs, TRIES_MAX } from "./retry-delay.ts";

test("delays double from five seconds to an hour, give or take a quarter", () => {
  expect([1, 2, 3, 11, TRIES_MAX].map((tries) => retryDelayMs(tries, 0.5))).toEqual([
    5_000, 10_000, 20_000, 3_600_000, 3_600_000,
  ]);
  expect([retryDelayMs(1, 0), retryDelayMs(1, 1)]).toEqual([3_750, 6_250]);
});

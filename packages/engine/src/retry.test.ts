import { expect, test } from "vitest";
import type { Failure } from "./event.ts";
import { backoffMs, DEFAULT_POLICY, finalFailure } from "./retry.ts";

const user: Failure = { code: "Boom", message: "it broke", kind: "user", recoverable: true };
const system: Failure = { ...user, kind: "system", recoverable: false };
const budget = { retries: 1, userFailures: 0, systemFailures: 0 };

test("a user failure that is not recoverable is final, whatever retries are left", () => {
  const failure = { ...user, recoverable: false };
  expect(finalFailure(failure, { ...budget, userFailures: 1 }, DEFAULT_POLICY)).toBe(failure);
});

test("recoverable user failures spend the node's retries and then say so", () => {
  expect(finalFailure(user, { ...budget, userFailures: 1 }, DEFAULT_POLICY)).toBeUndefined();
  expect(finalFailure(user, { ...budget, userFailures: 2 }, DEFAULT_POLICY)).toEqual({
    code: "RetriesExhausted|Boom",
    message: "[2/2] currentAttempt done. Last Error: USER::it broke",
    kind: "user",
    recoverable: false,
  });
});

test("system failures have a budget of their own, even when the runtime calls them not recoverable", () => {
  expect(finalFailure(system, { ...budget, userFailures: 9, systemFailures: 3 }, DEFAULT_POLICY)).toBeUndefined();
  expect(finalFailure(system, { ...budget, systemFailures: 4 }, DEFAULT_POLICY)?.message).toBe(
    "[4/4] currentAttempt done. Last Error: SYSTEM::it broke",
  );
});

test("the back-off doubles from 100 ms and stops growing at 30 s", () => {
  expect([1, 2, 3, 9, 10, 60].map((attempt) => backoffMs(attempt, DEFAULT_POLICY))).toEqual([
    100, 200, 400, 25_600, 30_000, 30_000,
  ]);
});

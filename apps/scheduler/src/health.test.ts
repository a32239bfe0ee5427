import { expect, test } from "vitest";
import { Health } from "./health.ts";

test("a part that was silent for more than ten seconds is a problem, told in a sentence", () => {
  let nowMs = 0;
  const health = new Health(() => nowMs);
  nowMs = 9_000;
  expect(health.problem()).toBeUndefined();
  health.answered("queue");
  nowMs = 11_500;
  expect(health.problem()).toBe(
    "The database has not answered for 11 s. No lease on shards could be renewed for 11 s.",
  );
  health.answered("database");
  nowMs = 20_000;
  expect(health.problem()).toBe("No lease on shards could be renewed for 20 s. The queue has not answered for 11 s.");
  for (const part of ["database", "lease", "queue"] as const) health.answered(part);
  expect(health.problem()).toBeUndefined();
});

test("a loop whose round does not end is stuck, whatever else is well", () => {
  let nowMs = 0;
  const health = new Health(() => nowMs);
  health.roundBegan("prune");
  health.roundBegan("relay");
  nowMs = 60_000;
  health.roundEnded("prune");
  expect(health.stuck()).toBeUndefined();
  nowMs = 121_000;
  expect(health.stuck()).toBe("A round of the loop relay has not ended for 121 s.");
  health.roundEnded("relay");
  expect(health.stuck()).toBeUndefined();
});

import { expect, test } from "vitest";
import { newRunId, readRunName, shardOf } from "./run-name.ts";

test("a run without a name gets one of 20 characters that a client may also give", () => {
  const names = Array.from({ length: 100 }, () => readRunName(""));
  expect(new Set(names).size).toBe(100);
  for (const name of names) {
    expect(name).toMatch(/^a[bcdfghjklmnpqrstvwxz2456789]{19}$/);
    expect(readRunName(name)).toBe(name);
  }
});

test.each(["1st", "-a", "a_b", "a.b", "a b", "ä", "a/../b", "a".repeat(64)])("the name %s is refused", (name) => {
  expect(() => readRunName(name)).toThrow(/^name /);
});

test("run ids are UUIDs of version 7 that sort by time", () => {
  const [early, late] = [newRunId(1_700_000_000_000), newRunId(1_700_000_000_001)];
  expect(early).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(early < late).toBe(true);
});

test("runs spread evenly over shards, and have one before any scheduler started", () => {
  const counts = new Array<number>(8).fill(0);
  for (let index = 0; index < 8_000; index++) {
    const shard = shardOf(newRunId(1_700_000_000_000 + index), 8);
    counts[shard] = (counts[shard] ?? 0) + 1;
  }
  for (const count of counts) expect(count).toBeGreaterThan(800);
  expect(shardOf("anything", 0)).toBe(0);
});

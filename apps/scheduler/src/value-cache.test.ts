import { expect, test } from "vitest";
import { ENTRY_BYTES, ValueCache } from "./value-cache.ts";

const ref = (ordinal: number) => ({ ordinal, side: "outputs" }) as const;
/** A value of which four fill a cache of this size. */
const value = () => new Uint8Array(ENTRY_BYTES);
const BYTES_MAX = 8 * ENTRY_BYTES;

test("values that were not used for long leave when the bytes run out", () => {
  const cache = new ValueCache(BYTES_MAX);
  for (const ordinal of [1, 2, 3, 4]) cache.set("a", ref(ordinal), value());
  expect(cache.get("a", ref(1))).toBeDefined();
  for (const ordinal of [1, 2]) cache.set("b", ref(ordinal), value());
  expect(cache.get("a", ref(2))).toBeUndefined();
  expect(cache.get("a", ref(1))).toBeDefined();
  expect(cache.get("b", ref(1))).toBeDefined();
});

test("very many small values do not take more than the cache may", () => {
  const cache = new ValueCache(BYTES_MAX);
  for (let ordinal = 0; ordinal < 100; ordinal++) cache.set("a", ref(ordinal), new Uint8Array());
  const kept = Array.from({ length: 100 }, (_, ordinal) => cache.get("a", ref(ordinal))).filter(Boolean);
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThanOrEqual(8);
});

test("a value that is kept again is counted once", () => {
  const cache = new ValueCache(BYTES_MAX);
  cache.set("a", ref(1), value());
  for (let times = 0; times < 10; times++) cache.set("a", ref(2), value());
  expect(cache.get("a", ref(1))).toBeDefined();
  expect(cache.get("a", ref(2))).toBeDefined();
});

test("a value larger than half of the cache is not kept", () => {
  const cache = new ValueCache(BYTES_MAX);
  cache.set("a", ref(1), new Uint8Array(BYTES_MAX / 2 + 1));
  expect(cache.get("a", ref(1))).toBeUndefined();
});

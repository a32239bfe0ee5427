import { expect, test } from "vitest";
import { ValueCache } from "./value-cache.ts";

const ref = (ordinal: number) => ({ ordinal, side: "outputs" }) as const;

test("the value used longest ago leaves when the bytes run out", () => {
  const cache = new ValueCache(10);
  cache.set("a", ref(1), new Uint8Array(4));
  cache.set("a", ref(2), new Uint8Array(4));
  expect(cache.get("a", ref(1))).toHaveLength(4);
  cache.set("b", ref(1), new Uint8Array(4));
  expect(cache.get("a", ref(2))).toBeUndefined();
  expect(cache.get("a", ref(1))).toBeDefined();
  expect(cache.get("b", ref(1))).toBeDefined();
});

test("a value larger than the cache is not kept", () => {
  const cache = new ValueCache(10);
  cache.set("a", ref(1), new Uint8Array(11));
  expect(cache.get("a", ref(1))).toBeUndefined();
});

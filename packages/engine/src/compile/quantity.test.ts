import { expect, test } from "vitest";
import { isWhole, parseQuantity } from "./quantity.ts";

const ONE = 1_000_000_000n;

test.each([
  ["1", ONE],
  ["+1", ONE],
  ["-1", -ONE],
  ["500m", ONE / 2n],
  ["1.5", (ONE * 3n) / 2n],
  [".5", ONE / 2n],
  ["2.", ONE * 2n],
  ["1k", ONE * 1000n],
  ["1Ki", ONE * 1024n],
  ["1.5Gi", ONE * 1024n ** 3n + (ONE * 1024n ** 3n) / 2n],
  ["1Ei", ONE * 1024n ** 6n],
  ["1E", ONE * 10n ** 18n],
  ["2e3", ONE * 2000n],
  ["2E-3", ONE / 500n],
  ["100n", 100n],
  ["0.0000000001", 1n],
  ["0", 0n],
])("%s is a quantity", (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

test.each(["", "Gi", "1.5.5", "1 Gi", "1gb", "1KiB", "one", "0x10", "1e999", "1toString", "1".repeat(65), "NaN"])(
  "%s is no quantity",
  (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  },
);

test("a whole number has no fraction", () => {
  expect([ONE, 0n, 2n * ONE].every(isWhole)).toBe(true);
  expect(isWhole(ONE / 2n)).toBe(false);
});

import { expect, test } from "vitest";
import { childRunName, uniqueName } from "./unique-name.ts";

const free = () => false;

test("a node at the top keeps its id, a child carries its parents and their attempt", () => {
  expect(uniqueName(null, "n0", free)).toBe("n0");
  expect(uniqueName({ name: "n0", attempt: 0 }, "n1", free)).toBe("n0-0-n1");
  expect(uniqueName({ name: "n0-0-n1", attempt: 0 }, "start-node", free)).toBe("n0-0-n1-0-start-node");
});

test("a name longer than 20 characters becomes f and the base32 of its FNV-32a, as Flyte computes it", () => {
  expect(uniqueName(null, "n0-0-n0-0-n0-0-n0-0-n0", free)).toBe("fbdmc3iy");
  expect(uniqueName(null, "a-node-with-a-long-id-for-sure", free)).toBe("fttd3hry");
});

test("a taken name gets the first number that is free", () => {
  const taken = new Set(["fbdmc3iy", "fbdmc3iy-1"]);
  expect(uniqueName(null, "n0-0-n0-0-n0-0-n0-0-n0", (name) => taken.has(name))).toBe("fbdmc3iy-2");
});

test("a child run is named after what started it, or by the hash that Flyte makes of that", () => {
  expect(childRunName("run1", "n0", 0)).toBe("run1-n0-0");
  expect(childRunName("abcdefghijklmnopqrst", "n0", 0)).toBe("fcowultc6k2jaw");
  expect(childRunName("run1", "n0.7", 0)).toMatch(/^f[a-z1-6]{13}$/);
  expect(childRunName("run1", "n0.7", 0)).not.toBe(childRunName("run1", "n0-7", 0));
});

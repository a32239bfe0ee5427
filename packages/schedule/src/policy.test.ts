import { expect, test } from "vitest";
import { readDuration } from "./duration.ts";
import { readCatchUp, readPolicyAnnotations } from "./policy.ts";
import { tickRunName } from "./tick-name.ts";

test("catch-up policies", () => {
  expect(readCatchUp("f", "none")).toEqual({ mode: "none" });
  expect(readCatchUp("f", "Latest")).toEqual({ mode: "latest" });
  expect(readCatchUp("f", "all")).toEqual({ mode: "all", max: 100 });
  expect(readCatchUp("f", "all max 7")).toEqual({ mode: "all", max: 7 });
  for (const text of ["", "all max 0", "all max 1001", "all max x", "some"]) {
    expect(() => readCatchUp("f", text)).toThrow(/^f is/);
  }
});

test("annotations say how a schedule behaves, and which of them is wrong", () => {
  const annotations = { "skein.dev/timezone": "Europe/Berlin", "skein.dev/overlap": "skip", other: "thing" };
  expect(readPolicyAnnotations(annotations)).toEqual({ timeZone: "Europe/Berlin", overlap: "skip" });
  expect(readPolicyAnnotations({})).toEqual({});
  for (const name of ["timezone", "catch-up", "overlap"]) {
    const wrong = { [`skein.dev/${name}`]: "nonsense" };
    expect(() => readPolicyAnnotations(wrong)).toThrow(`spec.annotations["skein.dev/${name}"] is "nonsense"`);
  }
});

test("durations of ISO 8601", () => {
  expect(readDuration("f", "")).toBe(0);
  expect(readDuration("f", "PT30M")).toBe(1_800_000);
  expect(readDuration("f", "-P1DT2H3S")).toBe(-(86_400_000 + 7_200_000 + 3_000));
  expect(readDuration("f", "P2W")).toBe(2 * 604_800_000);
  for (const text of ["P", "PT", "P1M", "P1Y", "30m", "P1.5D"]) {
    expect(() => readDuration("f", text)).toThrow(/^f is .*duration/);
  }
});

test("a tick's run has the name that Flyte gives it", () => {
  // Computed with Go's hash/fnv, the way flyteadmin does.
  expect(tickRunName("flytesnacks:development:every.minute:v1", 1_795_284_000_000)).toBe("fd153211bb24ede24000");
  expect(tickRunName("a:b:c:d", 1_000)).toBe(tickRunName("a:b:c:d", 1_999));
  expect(tickRunName("a:b:c:d", 1_000)).not.toBe(tickRunName("a:b:c:d", 2_000));
  expect(tickRunName("a:b:c:d", 1_000, "x")).not.toBe(tickRunName("a:b:c:d", 1_000));
});

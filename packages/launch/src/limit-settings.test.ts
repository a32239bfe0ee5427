import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import { expect, test } from "vitest";
import { limitProblems, limitSettings, parseWait } from "./limit-settings.ts";

const settingsOf = (spec: MessageInitShape<typeof ExecutionSpecSchema>) =>
  limitSettings(create(ExecutionSpecSchema, spec));

test.each([
  ["90s", 90_000],
  ["10m", 600_000],
  ["1h30m", 5_400_000],
  ["2d", 172_800_000],
  ["365d", 365 * 86_400_000],
  ["366d", undefined],
  ["0s", undefined],
  ["10", undefined],
  ["-1m", undefined],
  ["ten minutes", undefined],
  ["", undefined],
])("a wait of %j is %j ms", (text, ms) => {
  expect(parseWait(text)).toBe(ms);
});

test("annotations say how long an attempt may wait and how memory grows", () => {
  const values = { "skein.dev/queue-timeout": "10m", "skein.dev/memory-on-oom": "x2 max 16Gi" };
  expect(settingsOf({ maxParallelism: 3, annotations: { values } })).toEqual({
    maxParallelism: 3,
    queueTimeoutMs: 600_000,
    memoryGrowth: "x2 max 16Gi",
  });
  expect(settingsOf({})).toEqual({ maxParallelism: 0, queueTimeoutMs: 0, memoryGrowth: "" });
});

test("the budget of a quality of service counts where no annotation says more", () => {
  const designation = { case: "spec" as const, value: { queueingBudget: { seconds: 7n, nanos: 500_000_000 } } };
  expect(settingsOf({ qualityOfService: { designation } }).queueTimeoutMs).toBe(7_500);
  const values = { "skein.dev/queue-timeout": "1m" };
  expect(settingsOf({ qualityOfService: { designation }, annotations: { values } }).queueTimeoutMs).toBe(60_000);
  expect(settingsOf({ qualityOfService: { designation: { case: "tier", value: 1 } } }).queueTimeoutMs).toBe(0);
});

test("a wrong annotation is named with what it must be, and counts for nothing", () => {
  const values = { "skein.dev/queue-timeout": "soon", "skein.dev/memory-on-oom": "double" };
  const spec = create(ExecutionSpecSchema, { annotations: { values } });
  expect(limitProblems(spec.annotations)).toEqual([
    'skein.dev/queue-timeout is "soon", but must be a time such as 90s, 10m, 1h30m or 2d, a year at most',
    expect.stringMatching(/^skein.dev\/memory-on-oom is "double", but must be "x<factor> max <quantity>"/),
  ]);
  expect(limitSettings(spec)).toMatchObject({ queueTimeoutMs: 0, memoryGrowth: "" });
  expect(limitProblems(undefined)).toEqual([]);
});

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { LaunchPlanSpecSchema, type ScheduleSchema } from "@skein/idl/admin";
import { expect, test } from "vitest";
import { checkPlannedSchedule, plannedSchedule } from "./planned.ts";

type Schedule = MessageInitShape<typeof ScheduleSchema>;
const cron = (schedule: string, offset = ""): Schedule => ({
  ScheduleExpression: { case: "cronSchedule", value: { schedule, offset } },
});
const aws = (value: string): Schedule => ({ ScheduleExpression: { case: "cronExpression", value } });
const rate = (value: number, unit = 0): Schedule => ({ ScheduleExpression: { case: "rate", value: { value, unit } } });

const specOf = (schedule: Schedule | undefined) =>
  create(LaunchPlanSpecSchema, {
    ...(schedule ? { entityMetadata: { schedule } } : {}),
    annotations: { values: { "skein.dev/timezone": "Asia/Tokyo" } },
  });

test("each of Flyte's three forms becomes a definition", () => {
  const policy = { timeZone: "Asia/Tokyo" };
  expect(plannedSchedule(specOf({ ...cron("0 9 * * *", "PT5M"), kickoffTimeInputArg: "t" }))).toEqual({
    definition: { kind: "cron", expression: "0 9 * * *", dialect: "unix", offsetMs: 300_000 },
    policy,
    kickoffInput: "t",
  });
  expect(plannedSchedule(specOf(aws("0 10 * * ? *")))?.definition).toEqual({
    kind: "cron",
    expression: "0 10 * * ? *",
    dialect: "aws",
    offsetMs: 0,
  });
  expect(plannedSchedule(specOf(rate(3, 1)))?.definition).toEqual({ kind: "rate", value: 3, unit: "hour" });
});

test("a schedule without an expression is none, as flytekit sends it", () => {
  expect(plannedSchedule(specOf(undefined))).toBeUndefined();
  expect(plannedSchedule(specOf({}))).toBeUndefined();
  checkPlannedSchedule(specOf({}));
});

test("what cannot be read is refused with the field's name", () => {
  expect(() => checkPlannedSchedule(specOf(cron("nonsense")))).toThrow(/schedule\.cron_schedule\.schedule is/);
  expect(() => checkPlannedSchedule(specOf(cron("@daily", "P1M")))).toThrow(/schedule\.cron_schedule\.offset is/);
  expect(() => checkPlannedSchedule(specOf(aws("0 10 * * *")))).toThrow(/schedule\.cron_expression is/);
  expect(() => checkPlannedSchedule(specOf(cron("0 0 31 2 *")))).toThrow(/never fires/);
  expect(() => checkPlannedSchedule(specOf(rate(0)))).toThrow(/schedule\.rate\.value is 0/);
  expect(() => checkPlannedSchedule(specOf(rate(1, 9)))).toThrow(/schedule\.rate\.unit is 9/);
});

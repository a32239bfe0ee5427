import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { LaunchPlanSpecSchema, type ScheduleSchema } from "@skein/idl/admin";
import { SimpleType } from "@skein/idl/core";
import { expect, test } from "vitest";
import { checkPlannedSchedule, plannedSchedule } from "./planned.ts";

type Schedule = MessageInitShape<typeof ScheduleSchema>;
const cron = (schedule: string, offset = ""): Schedule => ({
  ScheduleExpression: { case: "cronSchedule", value: { schedule, offset } },
});
const aws = (value: string): Schedule => ({ ScheduleExpression: { case: "cronExpression", value } });
const rate = (value: number, unit = 0): Schedule => ({ ScheduleExpression: { case: "rate", value: { value, unit } } });

const required = (simple: SimpleType) => ({
  var: { type: { type: { case: "simple" as const, value: simple } } },
  behavior: { case: "required" as const, value: true },
});

const specOf = (schedule: Schedule | undefined, parameters: Record<string, ReturnType<typeof required>> = {}) =>
  create(LaunchPlanSpecSchema, {
    ...(schedule ? { entityMetadata: { schedule } } : {}),
    defaultInputs: { parameters },
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
  checkPlannedSchedule(specOf({}, { x: required(SimpleType.INTEGER) }));
});

test("what cannot be read is refused with the field's name", () => {
  expect(() => checkPlannedSchedule(specOf(cron("nonsense")))).toThrow(/schedule\.cron_schedule\.schedule is/);
  expect(() => checkPlannedSchedule(specOf(cron("@daily", "P1M")))).toThrow(/schedule\.cron_schedule\.offset is/);
  expect(() => checkPlannedSchedule(specOf(aws("0 10 * * *")))).toThrow(/schedule\.cron_expression is/);
  expect(() => checkPlannedSchedule(specOf(rate(0)))).toThrow(/schedule\.rate\.value is 0/);
  expect(() => checkPlannedSchedule(specOf(rate(1, 9)))).toThrow(/schedule\.rate\.unit is 9/);
});

test("an input that nobody would give is refused; the moment of the tick goes only into a free datetime", () => {
  const t = required(SimpleType.DATETIME);
  const x = required(SimpleType.INTEGER);
  const withMoment = (name: string): Schedule => ({ ...cron("@daily"), kickoffTimeInputArg: name });
  checkPlannedSchedule(specOf(withMoment("t"), { t }));
  checkPlannedSchedule(specOf({ ...rate(5), kickoffTimeInputArg: "t" }, { t }));
  expect(() => checkPlannedSchedule(specOf(cron("@daily"), { x }))).toThrow(/required input "x"/);
  expect(() => checkPlannedSchedule(specOf(withMoment("t"), { t, x }))).toThrow(/required input "x"/);
  expect(() => checkPlannedSchedule(specOf(withMoment("x"), { x }))).toThrow(/"x", an input that is no datetime/);
  expect(() => checkPlannedSchedule(specOf(withMoment("toString"), {}))).toThrow(/"toString", which is no free input/);
});

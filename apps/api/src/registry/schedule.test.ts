import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ScheduleSchema } from "@skein/idl/admin";
import { expect, test } from "vitest";
import { checkSchedule, scheduleTypeOf } from "./schedule.ts";

type Expression = MessageInitShape<typeof ScheduleSchema>["ScheduleExpression"];
const scheduleOf = (ScheduleExpression: Expression & object) => create(ScheduleSchema, { ScheduleExpression });
const cron = (schedule: string) => scheduleOf({ case: "cronSchedule", value: { schedule } });
const aws = (value: string) => scheduleOf({ case: "cronExpression", value });

test.each(["*/5 * * * *", "0 9 * * 1-5", "0 0 1 1 *", "@daily", "@hourly", "weekly"])("cron %s is taken", (text) => {
  checkSchedule(cron(text));
  expect(scheduleTypeOf(cron(text))).toBe("cron");
});

test.each(["", "* * * *", "* * * * * *", "60 * * * *", "x * * * *", "@sometimes", "0 0 32 * *"])(
  "cron %s is refused",
  (text) => {
    expect(() => checkSchedule(cron(text))).toThrow(/cron/);
  },
);

test("AWS' six fields are taken in the old field", () => {
  checkSchedule(aws("0 10 * * ? *"));
  expect(() => checkSchedule(aws("0 10 * * *"))).toThrow(/six/);
});

test("a rate needs a value, and no expression at all is no schedule", () => {
  const rate = (value: number) => scheduleOf({ case: "rate", value: { value, unit: 0 } });
  checkSchedule(rate(5));
  expect(scheduleTypeOf(rate(5))).toBe("rate");
  expect(() => checkSchedule(rate(0))).toThrow(/rate\.value/);
  checkSchedule(create(ScheduleSchema));
  expect(scheduleTypeOf(undefined)).toBe("none");
});

import type { Schedule } from "@skein/idl/admin";
import { CronExpressionParser } from "cron-parser";
import { invalid } from "./identity.ts";

export type ScheduleType = "none" | "cron" | "rate";

/** Which kind of schedule a launch plan has. A schedule without an expression counts as none, as flytekit sends it. */
export function scheduleTypeOf(schedule: Schedule | undefined): ScheduleType {
  switch (schedule?.ScheduleExpression.case) {
    case "cronSchedule":
    case "cronExpression":
      return "cron";
    case "rate":
      return "rate";
    default:
      return "none";
  }
}

/** Refuses a schedule that could never fire: unreadable cron text (five fields or `@daily` and the like), or a rate of nothing. */
export function checkSchedule(schedule: Schedule | undefined): void {
  const expression = schedule?.ScheduleExpression;
  if (expression?.case === "cronSchedule") checkCron("cron_schedule.schedule", expression.value.schedule);
  if (expression?.case === "cronExpression") checkAwsCron("cron_expression", expression.value);
  if (expression?.case === "rate" && expression.value.value === 0) {
    throw invalid("spec.entity_metadata.schedule.rate.value", "is 0: give it at least 1");
  }
}

const ALIASES = new Set(["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"]);
const WORDS = new Set([
  "hourly",
  "hours",
  "daily",
  "days",
  "weekly",
  "weeks",
  "monthly",
  "months",
  "yearly",
  "annually",
]);

function checkCron(field: string, text: string): void {
  const trimmed = text.trim();
  if (ALIASES.has(trimmed) || WORDS.has(trimmed)) return;
  const fields = trimmed.split(/\s+/);
  if (fields.length !== 5 || fields[0] === "") {
    throw badCron(field, text, `it has ${fields[0] === "" ? 0 : fields.length} fields, not five`);
  }
  parse(field, text, trimmed);
}

/** AWS writes a sixth field for the year, and `?` for "any day". */
function checkAwsCron(field: string, text: string): void {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 6) throw badCron(field, text, `it has ${fields.length} fields, not six`);
  parse(field, text, fields.slice(0, 5).join(" ").replaceAll("?", "*"));
}

function parse(field: string, shown: string, text: string): void {
  try {
    CronExpressionParser.parse(text, { tz: "UTC" });
  } catch (error) {
    throw badCron(field, shown, error instanceof Error ? error.message : String(error));
  }
}

const badCron = (field: string, text: string, why: string) =>
  invalid(`spec.entity_metadata.schedule.${field}`, `is "${text}", which is no cron schedule: ${why}`);

import { Cron } from "croner";
import type { CronDefinition } from "./definition.ts";
import { problem } from "./problem.ts";

/** Names for common expressions, with `@` and, as flytekit takes them too, without. */
const ALIASES: Record<string, string> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};
const WORDS: Record<string, keyof typeof ALIASES> = {
  hourly: "@hourly",
  hours: "@hourly",
  daily: "@daily",
  days: "@daily",
  weekly: "@weekly",
  weeks: "@weekly",
  monthly: "@monthly",
  months: "@monthly",
  yearly: "@yearly",
  years: "@yearly",
  annually: "@annually",
};

const MAXIMA = ["59", "23", "31", "12", "7", "2199"];
const FIELD_NAMES = ["minutes", "hours", "day of month", "month", "day of week", "year"];
/** What croner reads in other fields, or reads otherwise than cron does. */
const FOREIGN = /[^0-9A-Za-z*?,\-/#]/;

/**
 * Opens a cron expression for a time zone. Moments that a clock skips happen once, right after the gap; of moments that a
 * clock shows twice only the first counts, unless the minutes or hours hold a `*` or a step.
 */
export function openCron(field: string, { expression, dialect }: CronDefinition, timeZone: string): Cron {
  const pattern = dialect === "aws" ? awsPattern(field, expression) : unixPattern(field, expression);
  try {
    return new Cron(pattern, {
      timezone: timeZone,
      mode: dialect === "aws" ? "7-part" : "5-part",
      alternativeWeekdays: dialect === "aws",
      fixedTimeRule: "no-wildcard",
      paused: true,
    });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw badCron(field, expression, said.replace(/^[A-Za-z]+: /, ""));
  }
}

function unixPattern(field: string, expression: string): string {
  const text = expression.trim().toLowerCase();
  const known = ALIASES[text] ?? ALIASES[WORDS[text] ?? ""];
  if (known !== undefined) return known;
  if (text.startsWith("@")) throw badCron(field, expression, `use one of ${Object.keys(ALIASES).join(", ")}`);
  return readFields(field, expression, 5).join(" ");
}

/** AWS writes a sixth field for the year, `?` for "any day", and `6L` for the last Friday. */
function awsPattern(field: string, expression: string): string {
  const fields = readFields(field, expression, 6);
  const [, , dayOfMonth = "*", , dayOfWeek = "*"] = fields;
  if (dayOfMonth !== "*" && dayOfWeek !== "*") {
    throw badCron(field, expression, "it names both a day of the month and a day of the week: put ? for one of them");
  }
  const days = dayOfWeek.replaceAll(/[#/]\d+/g, "").match(/\d+/g) ?? [];
  if (days.some((day) => Number(day) < 1 || Number(day) > 7)) {
    throw badCron(field, expression, "days of the week are 1 (Sunday) to 7 (Saturday)");
  }
  const last = /^([1-7]|[A-Za-z]{3})?L$/i.exec(dayOfWeek);
  // A bare L is the last day of the week.
  if (last) fields[4] = last[1] === undefined ? "7" : `${last[1]}#L`;
  return ["0", ...fields].join(" ");
}

function readFields(field: string, expression: string, count: number): string[] {
  const fields = expression.trim().split(/\s+/).filter(Boolean);
  if (fields.length !== count) {
    const wanted = count === 5 ? "five" : "six";
    throw badCron(field, expression, `it has ${fields.length} fields, not ${wanted}`);
  }
  return fields.map((text, index) => {
    const foreign = FOREIGN.exec(text);
    if (foreign) throw badCron(field, expression, `"${foreign[0]}" cannot stand in ${FIELD_NAMES[index]}`);
    return text.split(",").map(readRange(index)).join(",");
  });
}

/** `5/15` begins at 5 and goes on to the end of the field; `?` stands for any. */
const readRange =
  (index: number) =>
  (range: string): string => {
    const step = /^(\d+)\/(\d+)$/.exec(range);
    return (step ? `${step[1]}-${MAXIMA[index]}/${step[2]}` : range).replaceAll("?", "*");
  };

const badCron = (field: string, text: string, why: string) =>
  problem(field, `is "${text}", which is no cron schedule: ${why}`);

import { problem } from "./problem.ts";

const PATTERN = /^([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const PARTS_MS = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000];

/** The milliseconds of an ISO 8601 duration of weeks, days, hours, minutes and seconds; empty text is none. */
export function readDuration(field: string, text: string): number {
  if (text === "") return 0;
  const [, sign, ...parts] = PATTERN.exec(text) ?? [];
  if (parts.every((part) => part === undefined)) {
    const how = "use weeks, days, hours, minutes and seconds, such as PT30M; months and years have no fixed length";
    throw problem(field, `is "${text}", which is no duration that is understood: ${how}`);
  }
  const total = parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (PARTS_MS[index] ?? 0), 0);
  return sign === "-" ? -total : total;
}

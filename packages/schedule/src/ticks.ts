import { openCron } from "./cron-pattern.ts";
import { rateMs, type ScheduleDefinition } from "./definition.ts";
import { problem } from "./problem.ts";
import { checkTimeZone } from "./time-zone.ts";

/** The moments of a schedule, in milliseconds of Unix time. */
export interface Ticks {
  /** The first one after a moment; undefined when there is none any more. */
  nextAfter(momentMs: number): number | undefined;
  /** Those after `afterMs`, up to and with `untilMs`, oldest first; at most `limit`. */
  between(afterMs: number, untilMs: number, limit: number): number[];
  /** The newest of those after `afterMs`, up to and with `untilMs`, oldest of them first; at most `limit`. */
  newestBetween(afterMs: number, untilMs: number, limit: number): number[];
}

/** Where ticks are counted from, and by whose clock. */
export interface TickOptions {
  /** An IANA name. Rates do not care for it. */
  readonly timeZone: string;
  /** Where a rate begins: its first tick comes one interval later. */
  readonly anchorMs: number;
}

/** How many moments one search may look at. */
const SEARCHED_MAX = 500;
const FIRST_STEP_MS = 3_600_000;

/** Opens a definition; throws invalid_argument naming `field` where it cannot be read. */
export function openTicks(definition: ScheduleDefinition, options: TickOptions, field = "schedule"): Ticks {
  const nextAfter =
    definition.kind === "cron" ? cronTicks(definition, options, field) : rateTicks(definition, options, field);

  const between = (afterMs: number, untilMs: number, limit: number): number[] => {
    const found: number[] = [];
    let next = nextAfter(afterMs);
    while (next !== undefined && next <= untilMs && found.length < limit) {
      found.push(next);
      next = nextAfter(next);
    }
    return found;
  };

  /** Halves the time while it holds more than one search may look at. */
  const newestWithin = (afterMs: number, untilMs: number, limit: number): number[] => {
    if (limit <= 0 || afterMs >= untilMs) return [];
    const all = between(afterMs, untilMs, SEARCHED_MAX + 1);
    if (all.length <= SEARCHED_MAX) return all.slice(-limit);
    const middleMs = Math.floor((afterMs + untilMs) / 2);
    const newer = newestWithin(middleMs, untilMs, limit);
    return [...newestWithin(afterMs, middleMs, limit - newer.length), ...newer];
  };

  /** Looks back in growing steps, so that a long absence costs no walk over all of it. */
  const newestBetween = (afterMs: number, untilMs: number, limit: number): number[] => {
    let found: number[] = [];
    let endMs = untilMs;
    for (let stepMs = FIRST_STEP_MS; found.length < limit && endMs > afterMs; stepMs *= 2) {
      const beginMs = Math.max(afterMs, endMs - stepMs);
      found = [...newestWithin(beginMs, endMs, limit - found.length), ...found];
      endMs = beginMs;
    }
    return found;
  };
  return { nextAfter, between, newestBetween };
}

function cronTicks(definition: Extract<ScheduleDefinition, { kind: "cron" }>, options: TickOptions, field: string) {
  checkTimeZone(`${field}.time_zone`, options.timeZone);
  const { offsetMs } = definition;
  const cron = openCron(field, definition, options.timeZone);
  return (momentMs: number): number | undefined => {
    const next = cron.nextRun(new Date(momentMs - offsetMs));
    return next ? next.getTime() + offsetMs : undefined;
  };
}

function rateTicks(
  definition: Extract<ScheduleDefinition, { kind: "rate" }>,
  { anchorMs }: TickOptions,
  field: string,
) {
  const everyMs = rateMs(definition);
  if (!Number.isSafeInteger(everyMs) || everyMs <= 0) {
    throw problem(`${field}.rate.value`, `is ${definition.value}: give it at least 1`);
  }
  return (momentMs: number): number =>
    anchorMs + Math.max(1, Math.floor((momentMs - anchorMs) / everyMs) + 1) * everyMs;
}

/** Throws invalid_argument naming `field` unless the definition can be read and fires at some moment, past or to come. */
export function checkDefinition(definition: ScheduleDefinition, timeZone: string, field: string): void {
  if (openTicks(definition, { timeZone, anchorMs: 0 }, field).nextAfter(0) !== undefined) return;
  throw problem(field, "never fires: no day has such a date");
}

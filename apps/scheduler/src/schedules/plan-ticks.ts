import type { DueSchedule, NewTick } from "@skein/db";
import { DEFAULT_POLICY, openTicks, readCatchUp, type SchedulePolicy, type Ticks } from "@skein/schedule";

/** A tick that is so little late is not missed: a scheduler may have been restarted. */
const PUNCTUAL_MS = 60_000;
/** How many missed ticks of one absence get a row of their own. */
const LISTED_MAX = 200;

/** How a schedule behaves: what people set wins over what the version says. */
export const policyOf = (schedule: {
  readonly planPolicy: SchedulePolicy;
  readonly ownPolicy: SchedulePolicy;
}): Required<SchedulePolicy> => ({ ...DEFAULT_POLICY, ...schedule.planPolicy, ...schedule.ownPolicy });

/** What is to be written of a schedule now. */
export interface PlannedTicks {
  readonly ticks: readonly NewTick[];
  readonly consideredAt: Date;
  readonly wakeAt: Date | null;
}

/**
 * Which ticks have come since the schedule was looked at last, and what becomes of them. A clock that was set back shows
 * no moment again; one that was set forward makes the moments in between late, as an outage does.
 */
export function planTicks(schedule: DueSchedule, nowMs: number): PlannedTicks {
  const policy = policyOf(schedule);
  const ticks = openTicks(schedule.definition, {
    timeZone: policy.timeZone,
    anchorMs: schedule.anchorAt.getTime(),
  });
  const sinceMs = schedule.consideredAt.getTime();
  const untilMs = Math.max(nowMs, sinceMs);
  const wakeMs = ticks.nextAfter(untilMs);
  return {
    ticks: dueTicks(ticks, policy, sinceMs, untilMs),
    consideredAt: new Date(untilMs),
    wakeAt: wakeMs === undefined ? null : new Date(wakeMs),
  };
}

function dueTicks(ticks: Ticks, policy: Required<SchedulePolicy>, sinceMs: number, untilMs: number): NewTick[] {
  const catchUp = readCatchUp("catch_up", policy.catchUp);
  const max = catchUp.mode === "all" ? catchUp.max : 1;
  const newest = ticks.newestBetween(sinceMs, untilMs, max + LISTED_MAX);
  const isWanted = (fireAtMs: number, index: number): boolean =>
    catchUp.mode === "none" ? fireAtMs > untilMs - PUNCTUAL_MS : index >= newest.length - max;
  const isCut = newest.length === max + LISTED_MAX;
  return newest.map((fireAtMs, index): NewTick => {
    const fireAt = new Date(fireAtMs);
    if (isWanted(fireAtMs, index)) return { fireAt, outcome: "pending", reason: "" };
    const why = `Nobody was there to fire it, and the catch-up policy is "${policy.catchUp}".`;
    const cut =
      isCut && index === 0 ? ` Ticks before it, since ${new Date(sinceMs).toISOString()}, are not listed.` : "";
    return { fireAt, outcome: "missed", reason: why + cut };
  });
}

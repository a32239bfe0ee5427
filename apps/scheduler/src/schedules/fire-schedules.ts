import {
  advanceSchedule,
  type DueSchedule,
  EVENTS_CHANNEL,
  insertAbortRequest,
  markAborting,
  type OpenTick,
  readDueSchedules,
  readOpenTicks,
  readPendingTicks,
  type ScheduledTick,
  settleTick,
  skipPendingTicks,
} from "@skein/db";
import { SCHEDULER_PRINCIPAL, withoutRun } from "./launch-tick.ts";
import { planTicks, policyOf } from "./plan-ticks.ts";
import { byName, fewAtOnce, fireTick, type ScheduleTools } from "./schedule-tools.ts";

const SCHEDULES_PER_ROUND = 200;
const TICKS_PER_SCHEDULE = 20;
/** How many ticks of one schedule wait for the run before them, where they queue. */
const QUEUED_MAX = 100;
/** A schedule that cannot be understood is looked at again after this time. */
const BROKEN_RETRY_MS = 3_600_000;

/**
 * Writes a row for each tick whose moment has come. The rows and the mark up to where the schedule has been looked at
 * commit together, so that a crash, another scheduler or a clock that was set neither loses a tick nor writes it twice.
 * Answers whether there is more to do, and when the next tick comes.
 */
export async function writeDueTicks(tools: ScheduleTools, aheadMs: number) {
  const { pool, ownedShards, now } = tools;
  const nowMs = now();
  const found = await readDueSchedules(pool, ownedShards(), new Date(nowMs + aheadMs), SCHEDULES_PER_ROUND);
  const due = found.filter(({ wakeAt }) => wakeAt.getTime() <= nowMs);
  const wakeMs: number[] = found.slice(due.length, due.length + 1).map(({ wakeAt }) => wakeAt.getTime());
  await fewAtOnce(due, async (schedule) => {
    const planned = planSafely(tools, schedule, nowMs);
    if (planned.wakeAt) wakeMs.push(planned.wakeAt.getTime());
    await advanceSchedule(pool, schedule, planned);
  });
  return { hasMore: due.length === SCHEDULES_PER_ROUND, nextMs: Math.min(...wakeMs) };
}

/** One schedule that cannot be understood does not stop the others. */
function planSafely({ logger }: ScheduleTools, schedule: DueSchedule, nowMs: number) {
  try {
    return planTicks(schedule, nowMs);
  } catch (error) {
    logger.error({ err: error, launchPlan: schedule.name, definition: schedule.definition }, "a schedule is broken");
    return { ticks: [], consideredAt: schedule.consideredAt, wakeAt: new Date(nowMs + BROKEN_RETRY_MS) };
  }
}

/** Launches what is due, as far as the overlap policies allow it. True when there is more to launch at once. */
export async function launchDueTicks(tools: ScheduleTools): Promise<boolean> {
  const { pool, ownedShards, now } = tools;
  const ticks = await readPendingTicks(pool, ownedShards(), new Date(now()), TICKS_PER_SCHEDULE);
  let hasMore = false;
  await fewAtOnce(byName(ticks), async (group) => {
    const hasLaunchedAll = await launchInTurn(tools, group);
    if (hasLaunchedAll && group.length === TICKS_PER_SCHEDULE) hasMore = true;
  });
  return hasMore;
}

/** The ticks of one schedule, oldest first. False when the rest has to wait. */
async function launchInTurn(tools: ScheduleTools, group: readonly ScheduledTick[]): Promise<boolean> {
  for (const tick of group) {
    const { overlap } = policyOf(tick);
    if (overlap === "allow") {
      await fireTick(tools, { tick, principal: SCHEDULER_PRINCIPAL, isOpen: false });
      continue;
    }
    const open = await readOpenTicks(tools.pool, tick);
    const [first] = open;
    if (overlap === "skip" && first) {
      const reason = `Run ${first.runName} of an earlier tick went on, and the overlap policy is "skip".`;
      await settleTick(tools.pool, withoutRun(tick, "skipped", reason));
      continue;
    }
    if (overlap === "cancel") return launchInstead(tools, group, open);
    if (first) {
      const reason = `${QUEUED_MAX} ticks waited already for run ${first.runName} to end.`;
      await skipPendingTicks(tools.pool, tick, { first: "oldest", count: QUEUED_MAX }, reason);
      return false;
    }
    await fireTick(tools, { tick, principal: SCHEDULER_PRINCIPAL, isOpen: true });
  }
  return true;
}

/** Only the newest tick counts: it ends the runs of those before it, and begins once they are over. */
async function launchInstead(
  tools: ScheduleTools,
  group: readonly ScheduledTick[],
  open: readonly OpenTick[],
): Promise<boolean> {
  const [oldest] = group;
  const newest = group.at(-1);
  if (!oldest || !newest) return true;
  const reason = 'A newer tick came before it was launched, and the overlap policy is "cancel".';
  await skipPendingTicks(tools.pool, oldest, { first: "newest", count: 1 }, reason);
  // There may be newer ones than this round has read: the next one finds them.
  if (group.length === TICKS_PER_SCHEDULE) return true;
  if (open.length === 0) {
    await fireTick(tools, { tick: newest, principal: SCHEDULER_PRINCIPAL, isOpen: true });
    return true;
  }
  for (const { tickId, runId } of open.filter(({ isAborting }) => !isAborting)) {
    const cause = `the tick of ${newest.fireAt.toISOString()} takes its place`;
    await insertAbortRequest(tools.db, runId, { cause, principal: SCHEDULER_PRINCIPAL, atMs: Date.now() });
    await markAborting(tools.pool, tickId);
  }
  tools.notifier.notify(EVENTS_CHANNEL);
  return false;
}

import { closeEndedTicks, readUnwatchedLaunchPlans, watchLaunchPlan } from "@skein/db";
import { fromBytes } from "@skein/idl";
import { LaunchPlanSpecSchema } from "@skein/idl/admin";
import { plannedSchedule } from "@skein/schedule";
import type { Round } from "../loops/loop.ts";
import { driveBackfills } from "./drive-backfills.ts";
import { launchDueTicks, writeDueTicks } from "./fire-schedules.ts";
import { SCHEDULER_PRINCIPAL } from "./launch-tick.ts";
import type { ScheduleTools } from "./schedule-tools.ts";

export interface SchedulesRoundOptions extends ScheduleTools {
  /** Asks for a round at a moment that is nearer than the next poll. */
  readonly setAlarm: (atMs: number) => void;
}

/** Ticks that come so soon are waited for by an alarm. */
const AHEAD_MS = 10_000;
const UNWATCHED_MAX = 1_000;

/** Fires schedules and drives backfills, of the shards that are owned. Any number of schedulers may do it. */
export function schedulesRound(options: SchedulesRoundOptions): Round {
  let hasWatchedAll = false;
  return async () => {
    if (!hasWatchedAll) hasWatchedAll = await watchUnwatched(options);
    const written = await writeDueTicks(options, AHEAD_MS);
    if (Number.isFinite(written.nextMs)) options.setAlarm(written.nextMs);
    await closeEndedTicks(options.pool, options.ownedShards());
    const hasMoreTicks = await launchDueTicks(options);
    const hasMoreBackfills = await driveBackfills(options);
    return written.hasMore || hasMoreTicks || hasMoreBackfills;
  };
}

/** Launch plans that were activated before this server could fire them begin now. True once there are none left. */
async function watchUnwatched({ pool, db, logger, now }: SchedulesRoundOptions): Promise<boolean> {
  const plans = await readUnwatchedLaunchPlans(pool, UNWATCHED_MAX);
  for (const plan of plans) {
    try {
      const schedule = plannedSchedule(fromBytes(LaunchPlanSpecSchema, plan.spec));
      const change = { changedBy: SCHEDULER_PRINCIPAL, at: new Date(now()) };
      if (schedule) await watchLaunchPlan(db, plan, schedule, change);
    } catch (error) {
      logger.error({ err: error, launchPlan: plan.name }, "the schedule of a launch plan cannot be fired");
    }
  }
  return plans.length < UNWATCHED_MAX;
}

import { endBackfill, type RunningBackfill, readBackfillTicks, readRunningBackfills } from "@skein/db";
import { fewAtOnce, fireTick, type ScheduleTools } from "./schedule-tools.ts";

const TICKS_PER_ROUND = 50;

/** Launches the next ticks of backfills, as many as may run at once. True when there is more to launch at once. */
export async function driveBackfills(tools: ScheduleTools): Promise<boolean> {
  let hasMore = false;
  for (const backfill of await readRunningBackfills(tools.pool, tools.ownedShards())) {
    const room = backfill.maxParallel - backfill.openCount;
    const launched = room > 0 ? await launchSome(tools, backfill, Math.min(room, TICKS_PER_ROUND)) : 0;
    if (launched === TICKS_PER_ROUND && room > TICKS_PER_ROUND) hasMore = true;
    if (launched === 0) await endBackfill(tools.pool, backfill.id);
  }
  return hasMore;
}

async function launchSome(tools: ScheduleTools, backfill: RunningBackfill, count: number): Promise<number> {
  const ticks = await readBackfillTicks(tools.pool, backfill, new Date(tools.now()), count);
  await fewAtOnce(ticks, (tick) =>
    fireTick(tools, {
      tick,
      principal: backfill.createdBy,
      kickoffInput: backfill.kickoffInput,
      overwriteCache: backfill.overwriteCache,
      tags: [`backfill-${backfill.id}`],
      isOpen: true,
    }),
  );
  return ticks.length;
}

import { type Db, delayTick, EVENTS_CHANNEL, type Notifier, type PendingTick, settleTick } from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "../database.ts";
import type { TickLaunch, tickLauncher } from "./launch-tick.ts";

/** What fires schedules works with. */
export interface ScheduleTools {
  readonly pool: Pool;
  readonly db: Db;
  readonly notifier: Pick<Notifier, "notify">;
  readonly logger: Logger;
  readonly ownedShards: () => readonly number[];
  readonly launch: ReturnType<typeof tickLauncher>;
  /** The clock: milliseconds of Unix time. */
  readonly now: () => number;
}

/** Launches at once; half of the scheduler's connections. */
const LAUNCHES_AT_ONCE = 5;
/** A launch that failed for no reason of its own is not tried again before. */
const RETRY_MS = 10_000;

/** Starts the run of a tick and writes what came of it. What went wrong here, not there, is tried again later. */
export async function fireTick(tools: ScheduleTools, launch: TickLaunch): Promise<void> {
  const { pool, logger, notifier } = tools;
  try {
    await settleTick(pool, await tools.launch(launch));
    notifier.notify(EVENTS_CHANNEL);
  } catch (error) {
    const { tick } = launch;
    logger.error({ err: error, launchPlan: tick.name, fireAt: tick.fireAt }, "a tick could not be launched");
    // Other errors speak of the inside of the server.
    const why = error instanceof SkeinError ? error.message : "The server could not launch it.";
    await delayTick(pool, tick.id, new Date(tools.now() + RETRY_MS), `${why} It is tried again.`);
  }
}

/** Does `work` for all of `items`, a few at a time. */
export async function fewAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: LAUNCHES_AT_ONCE }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

/** Ticks by the launch plan that they start, in the order in which they came. */
export function byName<T extends PendingTick>(ticks: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const tick of ticks) {
    const key = `${tick.project}:${tick.domain}:${tick.name}`;
    groups.set(key, [...(groups.get(key) ?? []), tick]);
  }
  return [...groups.values()];
}

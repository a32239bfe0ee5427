import { runStarter } from "@skein/launch";
import { Alarm } from "../loops/timers.ts";
import type { RingResources } from "../ring.ts";
import { tickLauncher } from "./launch-tick.ts";
import { schedulesRound } from "./schedules-round.ts";

/** What fires schedules in the ring: a round, and an alarm for the next tick. */
export function openSchedules(resources: RingResources, ownedShards: () => readonly number[], wake: () => void) {
  const { config, pool, db, storage, notifier, logger } = resources;
  const alarm = new Alarm(wake);
  const launch = tickLauncher(pool, runStarter(pool, storage, { maxParallelism: config.maxParallelism }));
  const round = schedulesRound({
    pool,
    db,
    notifier,
    logger,
    ownedShards,
    launch,
    now: Date.now,
    setAlarm: (atMs) => alarm.setAt(atMs),
  });
  return { round, close: () => alarm.close() };
}

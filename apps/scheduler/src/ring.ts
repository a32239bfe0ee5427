import { countShards, type Db, EVENTS_CHANNEL, type Notifier } from "@skein/db";
import type { Consumer, Queues } from "@skein/queue";
import type { Logger } from "@skein/telemetry";
import type { SchedulerConfig } from "./config.ts";
import { consumeReports } from "./consume-reports.ts";
import type { Pool } from "./database.ts";
import type { Health } from "./health.ts";
import { type ArchiveLogsOptions, archiveLogsRound } from "./loops/archive-logs.ts";
import { checkQueueRound } from "./loops/check-queue.ts";
import { errandsRound } from "./loops/errands.ts";
import { eventsRound } from "./loops/events.ts";
import { type Loop, type Round, startLoop } from "./loops/loop.ts";
import { pruneRound } from "./loops/prune.ts";
import { backlogRound, publishRound } from "./loops/publish.ts";
import { idleRunsRound, lostClaimsRound, unclaimedRound } from "./loops/rescue.ts";
import { reservationsRound } from "./loops/reservations.ts";
import { Alarm, timersRound } from "./loops/timers.ts";
import { waitingRuns } from "./loops/waiting-runs.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import { openNotifications } from "./notifications/open-notifications.ts";
import { openAdvancer } from "./open-advancer.ts";
import type { PurgedStore } from "./retention/delete-objects.ts";
import { purgesRound, releaseRound, retentionRound } from "./retention/retention-rounds.ts";
import type { AdvanceSettings } from "./run-writes.ts";
import { openSchedules } from "./schedules/open-schedules.ts";
import { startShards } from "./shards.ts";
import type { ObjectStore } from "./values.ts";
import { WaitingReasons } from "./waiting-reasons.ts";

/** Everything open that the ring works with. It closes none of it. */
export interface RingResources {
  readonly config: SchedulerConfig;
  /** Unique among live schedulers. */
  readonly owner: string;
  readonly db: Db;
  readonly pool: Pool;
  readonly queues: Queues;
  readonly storage: ObjectStore & ArchiveLogsOptions["storage"] & PurgedStore;
  readonly notifier: Notifier;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
  readonly health: Health;
}

export interface Ring {
  readonly ownedShards: () => readonly number[];
  /** The api made events. */
  onEvents(): void;
  /** Gives the shards back, finishes commits in flight and publishes what they ordered. */
  close(): Promise<void>;
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** Starts everything that turns facts into work. */
export async function startRing(resources: RingResources): Promise<Ring> {
  const { config, pool, queues, logger, metrics, health } = resources;
  const shared = { pool, logger, metrics, health, secretKey: config.secretKey };
  const loops = new Map<string, Loop>();
  const start = (name: string, everyMs: number, round: Round) =>
    loops.set(name, startLoop({ name, everyMs, logger, metrics, health }, round));
  const wake = (name: string) => loops.get(name)?.wake();

  const alarm = new Alarm(() => wake("timers"));
  const notifications = await openNotifications({ ...resources, onFree: () => wake("notifications") });
  const isRuled: AdvanceSettings["isRuled"] = (run) => notifications.ruled.has(run);
  const turns = waitingRuns(pool, () => resources.notifier.notify(EVENTS_CHANNEL));
  const onRunOver = () => turns.isAnyWaiting() && wake("waiting-runs");
  const work = openAdvancer(resources, { alarm, onBacklog: () => wake("publish"), onRunOver, isRuled });
  const { cache, publisher, errands } = work;
  const { inbox } = work.advancer;
  const consumers = new Map<number, Consumer>();
  const shards = startShards({
    ...shared,
    owner: resources.owner,
    count: await countShards(pool),
    onTaken: async (shard) => {
      for (const loop of loops.values()) loop.wake();
      consumers.set(shard, await consumeReports(shard, { queues, inbox, secretKey: config.secretKey, metrics }));
    },
    onLost: async (shard) => {
      const consumer = consumers.get(shard);
      consumers.delete(shard);
      errands.dropShard(shard);
      cache.dropShard(shard);
      await consumer?.close();
    },
  });
  const ownedShards = () => shards.owned;
  const waitingReasons = new WaitingReasons(pool, work.findAsked);
  const rescue = { pool, inbox, publisher, waitingReasons, ownedShards };
  start("check-queue", 2 * SECOND, checkQueueRound(queues, health));
  start("events", SECOND, eventsRound({ pool, inbox, ownedShards }));
  start("errands", SECOND, errandsRound({ pool, errands, ownedShards }));
  start("timers", SECOND, timersRound({ pool, inbox, ownedShards }));
  start("publish", SECOND, publishRound({ pool, publisher, ownedShards, defaultPool: config.pool }));
  start("waiting-runs", SECOND, turns.round);
  start("lost-claims", SECOND, lostClaimsRound(rescue));
  start("unclaimed", SECOND, unclaimedRound(rescue));
  start("idle-runs", 10 * SECOND, idleRunsRound(rescue));
  start("notifications", SECOND, notifications.round);
  const schedules = openSchedules(resources, ownedShards, () => wake("schedules"));
  start("schedules", SECOND, schedules.round);
  startHousekeeping(start, resources, ownedShards);
  return {
    ownedShards,
    onEvents: () => wake("events"),
    close: async () => {
      await shards.close();
      await Promise.all(Array.from(loops.values(), (loop) => loop.close()));
      alarm.close();
      schedules.close();
      await notifications.close();
      await work.close();
    },
  };
}

/** What nothing waits for, as long as it comes in time. */
function startHousekeeping(
  start: (name: string, everyMs: number, round: Round) => void,
  { config, db, pool, storage, logger, metrics }: RingResources,
  ownedShards: () => readonly number[],
): void {
  start("backlog", 10 * SECOND, backlogRound(pool, metrics.backlog, ownedShards));
  start("reservations", 10 * SECOND, reservationsRound({ pool, ownedShards }));
  start("archive-logs", 10 * SECOND, archiveLogsRound({ pool, storage, logger, metrics }));
  const retention = { pool, storage, logger };
  start("purges", 10 * SECOND, purgesRound(retention));
  start("retention", 600 * SECOND, retentionRound(retention));
  start("release", 600 * SECOND, releaseRound(retention));
  start("prune", HOUR, pruneRound({ ...config, db, pool, logger }));
}

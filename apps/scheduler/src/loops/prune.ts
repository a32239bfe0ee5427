import {
  type Db,
  deleteOldAgents,
  deleteOldDeliveries,
  deleteOldTicks,
  deleteOrphanTimers,
  dropOldHistory,
  ensureHistoryPartitions,
} from "@skein/db";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "../database.ts";
import type { Round } from "./loop.ts";

export interface PruneOptions {
  readonly db: Db;
  readonly pool: Pool;
  readonly historyDays: number;
  readonly scheduleHistoryDays: number;
  readonly logger: Logger;
}

/** Makes next month's partition of the history and deletes what retention allows. Any number of schedulers may do it. */
export const pruneRound =
  ({ db, pool, historyDays, scheduleHistoryDays, logger }: PruneOptions): Round =>
  async () => {
    await ensureHistoryPartitions(db);
    const dropped = await dropOldHistory(pool, historyDays);
    if (dropped.length > 0) logger.info({ partitions: dropped }, "dropped old history");
    await deleteOrphanTimers(pool);
    await deleteOldAgents(pool, historyDays);
    await deleteOldDeliveries(pool, historyDays);
    await deleteOldTicks(pool, scheduleHistoryDays);
    return false;
  };

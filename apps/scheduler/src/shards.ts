import { announceScheduler, dismissScheduler, releaseShards, renewShards, takeShards } from "@skein/db";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "./database.ts";
import type { Health } from "./health.ts";
import { type Loop, startLoop } from "./loops/loop.ts";
import type { SchedulerMetrics } from "./metrics.ts";

export interface ShardsOptions {
  readonly pool: Pool;
  /** Unique among live schedulers. */
  readonly owner: string;
  readonly count: number;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
  readonly health: Health;
  /** Starts to serve a shard. When it fails the shard is given back. */
  readonly onTaken: (shard: number) => Promise<void>;
  /** Stops to serve a shard that may already be somebody else's. */
  readonly onLost: (shard: number) => Promise<void>;
}

/** A dead scheduler's shards are free after this, and taken at the next renewal of a living one: within 5 s. */
const LEASE_MS = 4_000;
const RENEW_MS = 1_000;

export interface Shards {
  /** The shards served now. */
  readonly owned: readonly number[];
  close(): Promise<void>;
}

/**
 * Keeps this scheduler's leases alive, takes shards that nobody holds and hands over what is above its fair share. A lease makes one scheduler the usual owner
 * of a run, so that it may keep the run in memory; what makes two owners harmless is the version check at commit.
 */
export function startShards(options: ShardsOptions): Shards {
  const { pool, owner, logger, metrics, health } = options;
  const owned = new Set<number>();
  let leasedUntil = 0;

  const lose = async (shards: readonly number[]): Promise<void> => {
    for (const shard of shards) owned.delete(shard);
    metrics.shards.set(owned.size);
    await Promise.all(shards.map((shard) => options.onLost(shard)));
  };
  const serve = async (shard: number): Promise<void> => {
    owned.add(shard);
    metrics.shards.set(owned.size);
    try {
      await options.onTaken(shard);
      logger.info({ shard }, "serving a shard");
    } catch (error) {
      logger.error({ shard, err: error }, "a shard could not be served and is given back");
      await lose([shard]);
      await releaseShards(pool, owner, [shard]);
    }
  };
  const runOnce = async (): Promise<boolean> => {
    const askedAt = Date.now();
    try {
      const held = new Set(await renewShards(pool, owner, LEASE_MS));
      leasedUntil = askedAt + LEASE_MS;
      health.answered("database");
      const gone = [...owned].filter((shard) => !held.has(shard));
      if (gone.length > 0) {
        logger.warn({ shards: gone }, "shards were lost to another scheduler");
        await lose(gone);
      }
    } catch (error) {
      if (Date.now() > leasedUntil) await lose([...owned]);
      throw error;
    }
    const fairShare = Math.ceil(options.count / (await announceScheduler(pool, owner, LEASE_MS)));
    const surplus = [...owned].slice(fairShare);
    if (surplus.length > 0) {
      logger.info({ shards: surplus }, "handing shards over to another scheduler");
      await lose(surplus);
      await releaseShards(pool, owner, surplus);
    }
    const taken = await takeShards(pool, owner, LEASE_MS, fairShare - owned.size);
    await Promise.all(taken.map(serve));
    health.answered("lease");
    return false;
  };

  const loop: Loop = startLoop({ name: "shards", everyMs: RENEW_MS, logger, metrics, health }, runOnce);
  return {
    get owned() {
      return [...owned];
    },
    close: async () => {
      await loop.close();
      const shards = [...owned];
      await lose(shards);
      await releaseShards(pool, owner, shards);
      await dismissScheduler(pool, owner);
    },
  };
}

import { countPublished, countSlots, readCommands, readPoolsWithCommands } from "@skein/db";
import type { Pool } from "../database.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import type { Publisher } from "../publisher.ts";
import type { Round } from "./loop.ts";

export interface PublishOptions {
  readonly pool: Pool;
  readonly publisher: Publisher;
  readonly metrics: SchedulerMetrics;
  readonly ownedShards: () => readonly number[];
  /** The pool that agents serve even when no command names one yet. */
  readonly defaultPool: string;
}

/** Orders in the queue that nobody took yet, per slot of the pool's agents; never under the least window. */
const ORDERS_PER_SLOT = 4;
const WINDOW_LEAST = 1_000;
/** Instant orders are gone in milliseconds and hold no slot; this only keeps a flood out of the queue's memory. */
const INSTANT_WINDOW = 20_000;
const BATCH = 1_000;

/**
 * The relay: gives to the queue what a commit could not, because the pool's window was full, the queue was away or the
 * process died. Priority first, then age. While it finds a backlog, nothing overtakes it.
 */
export const publishRound =
  ({ pool, publisher, metrics, ownedShards, defaultPool }: PublishOptions): Round =>
  async () => {
    const shards = ownedShards();
    if (shards.length === 0) return false;
    const names = new Set([defaultPool, ...(await readPoolsWithCommands(pool, shards))]);
    let isMoreWaiting = false;
    for (const name of names) {
      for (const lane of ["instant", "slot"] as const) {
        const kind = lane === "instant" ? "echo" : "container";
        const window =
          lane === "instant"
            ? INSTANT_WINDOW
            : Math.max(WINDOW_LEAST, ORDERS_PER_SLOT * (await countSlots(pool, name)));
        const room = Math.max(0, window - (await countPublished(pool, name, kind)));
        const limit = Math.min(room, BATCH);
        const commands = await readCommands(pool, name, kind, shards, publisher.busyCommands, limit + 1);
        const sent = commands.slice(0, limit);
        if (commands.length > sent.length) {
          publisher.setRoom(name, lane, 0);
          isMoreWaiting ||= room > BATCH;
        } else {
          publisher.setRoom(name, lane, room - sent.length);
        }
        if (lane === "slot") metrics.backlog.set({ pool: name }, commands.length - sent.length);
        if (sent.length > 0) await publisher.publish(sent, "backlog");
      }
    }
    return isMoreWaiting;
  };

import {
  countPublished,
  countSlots,
  countWaitingCommands,
  readCommands,
  readPoolLoad,
  readPoolsWithCommands,
  readWaitingGroups,
  type WaitingCommand,
} from "@skein/db";
import type { Lane } from "@skein/queue";
import type { Pool } from "../database.ts";
import { countByProject, type Share, shareOut, withTaken } from "../fair-share.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import type { Publisher } from "../publisher.ts";
import type { Round } from "./loop.ts";

export interface PublishOptions {
  readonly pool: Pool;
  readonly publisher: Publisher;
  readonly ownedShards: () => readonly number[];
  /** The pool that agents serve even when no command names one yet. */
  readonly defaultPool: string;
}

/**
 * Orders in the queue that nobody took yet, per slot of the pool's agents; never under the least window. What is in the
 * queue cannot be overtaken, so this is how many orders of others a project or a higher priority may find before its own.
 */
const ORDERS_PER_SLOT = 4;
const WINDOW_LEAST = 32;
/** Instant orders are gone in milliseconds and hold no slot; this only keeps a flood out of the queue's memory. */
const INSTANT_WINDOW = 20_000;
const BATCH = 1_000;
/** Groups that have fewer commands than places were given to them leave places for others. */
const READS_MAX = 20;

/** How much of a lane is free, and who has the rest. */
interface LaneState {
  readonly room: number;
  readonly shares: ReadonlyMap<string, Share>;
}

interface Choice {
  readonly commands: readonly WaitingCommand[];
  /** There are more commands than places. */
  readonly hasBacklog: boolean;
}

/**
 * The relay: gives to the queue what a commit could not, because the pool's window was full, the queue was away or the
 * process died. Priority first, then who has the least, then age. While it finds a backlog, nothing overtakes it. Every
 * scheduler chooses among the commands of all shards and publishes its own among the chosen.
 */
export const publishRound =
  (options: PublishOptions): Round =>
  async () => {
    const shards = options.ownedShards();
    if (shards.length === 0) return false;
    const names = new Set([options.defaultPool, ...(await readPoolsWithCommands(options.pool))]);
    let isMoreWaiting = false;
    for (const name of names) {
      for (const lane of ["instant", "slot"] as const) {
        isMoreWaiting = (await publishLane(options, name, lane, new Set(shards))) || isMoreWaiting;
      }
    }
    return isMoreWaiting;
  };

async function publishLane(
  { pool, publisher }: PublishOptions,
  name: string,
  lane: Lane,
  shards: ReadonlySet<number>,
): Promise<boolean> {
  const { room, shares } = lane === "instant" ? await instantLane(pool, name) : await slotLane(pool, publisher, name);
  const limit = Math.min(room, BATCH);
  const { commands, hasBacklog } = await choose(pool, publisher, name, lane, { room: limit, shares });
  const limited = new Set([...shares].filter(([, { runningMax }]) => runningMax !== null).map(([project]) => project));
  const isFull = hasBacklog && commands.length === limit;
  publisher.setRoom(name, lane, { room: isFull ? 0 : room - commands.length, limited, hasBacklog });
  const own = commands.filter(({ shard }) => shards.has(shard));
  if (own.length > 0) await publisher.publish(own, "backlog");
  // The next round, and those of other schedulers, count what rows say.
  if (own.length > 0 && lane === "slot") await publisher.tellRows();
  return isFull && room > BATCH;
}

/** Nobody has a share of what takes no time. */
async function instantLane(pool: Pool, name: string): Promise<LaneState> {
  return { room: Math.max(0, INSTANT_WINDOW - (await countPublished(pool, name, "echo"))), shares: new Map() };
}

async function slotLane(pool: Pool, publisher: Publisher, name: string): Promise<LaneState> {
  await publisher.tellRows();
  const [slots, loads] = await Promise.all([countSlots(pool, name), readPoolLoad(pool, name)]);
  const busy = publisher.busyIn(name);
  const shares = withTaken(new Map(loads.map((load) => [load.project, load])), busy);
  const known = loads.reduce((sum, load) => sum + load.unclaimed, 0);
  const unclaimed = [...busy.values()].reduce((sum, count) => sum + count, known);
  return { room: Math.max(0, Math.max(WINDOW_LEAST, ORDERS_PER_SLOT * slots) - unclaimed), shares };
}

/** The commands that are next in a lane. */
async function choose(
  pool: Pool,
  publisher: Publisher,
  name: string,
  lane: Lane,
  { room, shares }: LaneState,
): Promise<Choice> {
  const kind = lane === "instant" ? "echo" : "container";
  const busy = publisher.busyCommands;
  let groups = await readWaitingGroups(pool, name, kind);
  const chosen: WaitingCommand[] = [];
  for (let reads = 0; reads < READS_MAX && groups.length > 0 && chosen.length < room; reads++) {
    const now = withTaken(shares, countByProject(chosen));
    const picks = shareOut(groups, now, room - chosen.length);
    if (picks.length === 0) break;
    const known = [...busy, ...chosen.map(({ commandId }) => commandId)];
    const found = await readCommands(pool, name, kind, picks, known);
    chosen.push(...found);
    const isShort = ({ project, priority }: (typeof groups)[number]) => {
      const pick = picks.find((one) => one.project === project && one.priority === priority);
      return pick && found.filter((one) => one.project === project && one.priority === priority).length < pick.count;
    };
    groups = groups.filter((group) => !isShort(group));
  }
  return { commands: chosen, hasBacklog: groups.length > 0 };
}

/** Counts what waits, for those who watch the pools. */
export function backlogRound(
  pool: Pool,
  backlog: SchedulerMetrics["backlog"],
  ownedShards: () => readonly number[],
): Round {
  const seen = new Set<string>();
  return async () => {
    const waiting = await countWaitingCommands(pool, ownedShards());
    for (const name of waiting.keys()) seen.add(name);
    for (const name of seen) backlog.set({ pool: name }, waiting.get(name) ?? 0);
    return false;
  };
}

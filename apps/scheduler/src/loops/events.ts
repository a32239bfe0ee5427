import { readWaitingEvents } from "@skein/db";
import type { Pool } from "../database.ts";
import type { Inbox } from "../inbox.ts";
import type { Round } from "./loop.ts";

export interface EventsOptions {
  readonly pool: Pool;
  readonly inbox: Inbox;
  readonly ownedShards: () => readonly number[];
}

const BATCH = 1_000;

/** Brings the api's events to their runs. An event is told once, until its run's commit deletes the row. */
export function eventsRound({ pool, inbox, ownedShards }: EventsOptions): Round {
  const told = new Set<number>();
  let applied: number[] = [];
  return async () => {
    const shards = ownedShards();
    if (shards.length === 0) return false;
    // Forgotten only now: a read that began before the commit would still see the row.
    for (const id of applied) told.delete(id);
    applied = [];
    const events = await readWaitingEvents(pool, shards, [...told], BATCH);
    for (const { id, runId, event } of events) {
      told.add(id);
      inbox.add(runId, [{ event, eventId: id, onApplied: () => applied.push(id) }]);
    }
    return events.length === BATCH;
  };
}

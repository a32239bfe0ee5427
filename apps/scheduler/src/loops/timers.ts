import { readDueTimers } from "@skein/db";
import type { Pool } from "../database.ts";
import type { Inbox } from "../inbox.ts";
import type { Round } from "./loop.ts";

export interface TimersOptions {
  readonly pool: Pool;
  readonly inbox: Inbox;
  readonly ownedShards: () => readonly number[];
}

const BATCH = 1_000;

/** Tells runs that a moment has come. The commit that applies it deletes the row; until then it is not told twice. */
export function timersRound({ pool, inbox, ownedShards }: TimersOptions): Round {
  const told = new Set<string>();
  return async () => {
    const due = await readDueTimers(pool, ownedShards(), BATCH);
    for (const { runId, ordinal, attempt, kind, note } of due) {
      const key = `${runId}.${ordinal}.${attempt}.${kind}`;
      if (told.has(key)) continue;
      told.add(key);
      const fired = { type: "timerFired", ordinal, attempt, timer: kind, atMs: Date.now() } as const;
      const event = note === null ? fired : { ...fired, note };
      inbox.add(runId, [{ event, onApplied: () => told.delete(key) }]);
    }
    return false;
  };
}

/** A longer delay is none at all to Node. Rung too early, the alarm does no harm: the poll finds the timer in time. */
const DELAY_MS_MAX = 24 * 3_600_000;

/** Wakes a loop at moments that are nearer than its next poll. */
export class Alarm {
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  setAt(atMs: number): void {
    if (atMs >= this.#atMs) return;
    this.#atMs = atMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#atMs = Number.POSITIVE_INFINITY;
        this.#wake();
      },
      Math.min(DELAY_MS_MAX, Math.max(0, atMs - Date.now())),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

import { readNamesWithWaitingRuns, startWaitingRuns } from "@skein/db";
import type { Pool } from "../database.ts";
import type { Round } from "./loop.ts";

export interface WaitingRuns {
  readonly round: Round;
  /** True where a run that ended may have left a place for one that waits. */
  readonly isAnyWaiting: () => boolean;
}

/**
 * Starts runs that wait for fewer unfinished runs of their launch plan. Any number of schedulers may do it: a lock gives
 * each place to one run, and a run whose scheduler died in between still waits.
 */
export function waitingRuns(pool: Pool, onEvents: () => void): WaitingRuns {
  let waiting = 0;
  return {
    isAnyWaiting: () => waiting > 0,
    round: async () => {
      const names = await readNamesWithWaitingRuns(pool);
      waiting = names.length;
      let started = 0;
      for (const name of names) started += await startWaitingRuns(pool, name, Date.now());
      if (started > 0) onEvents();
      return false;
    },
  };
}

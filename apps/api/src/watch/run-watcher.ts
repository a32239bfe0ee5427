import { CHANGES_CHANNEL, type OpenDb, openListener, readChangedRuns } from "@skein/db";

/** Tells when runs change. One LISTEN and one query serve all watchers of the process. */
export interface RunWatcher {
  /** Resolves with the run's `changed_seq` once it is above `cursor`, or with undefined when the signal ends the wait. */
  changed(runId: string, cursor: number, signal: AbortSignal): Promise<number | undefined>;
  close(): Promise<void>;
}

interface Waiter {
  readonly runId: string;
  readonly cursor: number;
  readonly settle: (sequence: number | undefined) => void;
}

/** Wake-ups within this time are answered by one query. */
const COALESCE_MS = 50;
/** Finds what a lost wake-up left. */
const POLL_MS = 2_000;

export async function openRunWatcher(options: {
  readonly pool: OpenDb["pool"];
  readonly databaseUrl: string;
}): Promise<RunWatcher> {
  const waiters = new Set<Waiter>();
  let round: Promise<void> | undefined;
  let isWanted = false;

  const check = async (): Promise<void> => {
    const runIds = [...new Set([...waiters].map(({ runId }) => runId))];
    if (runIds.length === 0) return;
    const sequences = await readChangedRuns(options.pool, runIds).catch(() => new Map<string, number>());
    for (const waiter of [...waiters]) {
      const sequence = sequences.get(waiter.runId);
      if (sequence !== undefined && sequence > waiter.cursor) waiter.settle(sequence);
    }
  };
  const checkRounds = async (): Promise<void> => {
    while (isWanted) {
      isWanted = false;
      await Promise.all([check(), new Promise((resolve) => setTimeout(resolve, COALESCE_MS))]);
    }
    round = undefined;
  };
  const wake = (): void => {
    isWanted = true;
    round ??= checkRounds();
  };

  const listener = await openListener(options.databaseUrl, [CHANGES_CHANNEL], wake);
  const poll = setInterval(wake, POLL_MS);
  return {
    changed: (runId, cursor, signal) =>
      new Promise((resolve) => {
        const end = (): void => waiter.settle(undefined);
        const waiter: Waiter = {
          runId,
          cursor,
          settle: (sequence) => {
            waiters.delete(waiter);
            signal.removeEventListener("abort", end);
            resolve(sequence);
          },
        };
        waiters.add(waiter);
        signal.addEventListener("abort", end, { once: true });
        if (signal.aborted) end();
        else wake();
      }),
    close: async () => {
      clearInterval(poll);
      for (const waiter of [...waiters]) waiter.settle(undefined);
      await listener.close();
      await round;
    },
  };
}

import { type ActionRow, type ChangeCursor, type Db, type NameId, readChangedActions } from "@skein/db";
import { isTerminalRun } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import type { Call } from "../call.ts";
import type { RunView } from "../runs/run-service.ts";
import type { RunWatcher } from "./run-watcher.ts";

/** The run as it is now, and a page of the actions that changed since the last one. */
export interface RunUpdate {
  /** A watcher that comes back with it misses nothing. */
  readonly cursor: ChangeCursor;
  readonly run: RunView;
  readonly actions: readonly ActionRow[];
}

export interface WatchDependencies {
  readonly db: Db;
  readonly watcher: RunWatcher;
  readonly getRun: (call: Call, id: NameId) => Promise<RunView>;
  /** Who comes beyond so many at once is refused: each is asked about at every change of any run. */
  readonly watchersMax?: number;
}

export type WatchRun = (
  call: Call,
  id: NameId,
  from: ChangeCursor,
  signal: AbortSignal,
) => AsyncGenerator<RunUpdate, void, undefined>;

export const START_OF_RUN: ChangeCursor = { sequence: 0, ordinal: -1 };
const PAGE = 500;
const WATCHERS_MAX = 10_000;

/**
 * Follows a run from a cursor until it is over and everything has been told. Quick changes of one row are told once. Throws
 * `resource_exhausted` where too many follow already.
 */
export function createWatchRun({ db, watcher, getRun, watchersMax = WATCHERS_MAX }: WatchDependencies): WatchRun {
  let watchers = 0;

  const follow: WatchRun = async function* follow(call, id, from, signal) {
    let cursor = from;
    while (!signal.aborted) {
      // The run is read first: what its sequence covers is then among the actions that are read after it.
      const run = await getRun(call, id);
      for (let isMore = true; isMore; ) {
        const actions = await readChangedActions(db, run.id, cursor, PAGE);
        const last = actions.at(-1);
        if (last) cursor = { sequence: last.changedSeq, ordinal: last.ordinal };
        isMore = actions.length === PAGE;
        yield { cursor, run, actions };
      }
      if (isTerminalRun(run.phase)) return;
      await watcher.changed(run.id, run.changedSeq, signal);
    }
  };

  return async function* watchRun(call, id, from, signal) {
    if (watchers >= watchersMax) {
      const message = `${watchersMax} clients follow runs here already, and more are not served. Ask for the run now and then.`;
      throw new SkeinError("resource_exhausted", "watchers_exhausted", message);
    }
    watchers += 1;
    try {
      yield* follow(call, id, from, signal);
    } finally {
      watchers -= 1;
    }
  };
}

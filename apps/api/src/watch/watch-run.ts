import { type ActionRow, type ChangeCursor, type Db, type NameId, readChangedActions } from "@skein/db";
import { isTerminalRun } from "@skein/engine";
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
}

export type WatchRun = (
  call: Call,
  id: NameId,
  from: ChangeCursor,
  signal: AbortSignal,
) => AsyncGenerator<RunUpdate, void, undefined>;

export const START_OF_RUN: ChangeCursor = { sequence: 0, ordinal: -1 };
const PAGE = 500;

/** Follows a run from a cursor until it is over and everything has been told. Quick changes of one row are told once. */
export const createWatchRun = ({ db, watcher, getRun }: WatchDependencies): WatchRun =>
  async function* watchRun(call, id, from, signal) {
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

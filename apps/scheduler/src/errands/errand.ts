import type { Db, NewValue } from "@skein/db";
import type { ActionRecord, ArraySpec, EngineEvent, ErrandKind, Failure } from "@skein/engine";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "../database.ts";
import type { CachedRun } from "../run-cache.ts";
import type { ObjectStore, Values } from "../values.ts";

/** The run that an errand is for: what never changes of it. */
export type ErrandRun = Omit<CachedRun, "state" | "program" | "version" | "limits" | "taskResources">;

/** The action that an errand is for, as it was when the errand was taken up. */
export type ErrandAction = Pick<
  ActionRecord,
  "name" | "kind" | "node" | "itemIndex" | "itemCount" | "inputsOrdinal" | "referenceOrdinal" | "phase" | "attempts"
>;

/** Work that the scheduler does itself for an action, outside of the commit that asked for it. A row of `errands`. */
export interface Errand {
  readonly id: number;
  readonly kind: ErrandKind;
  readonly run: ErrandRun;
  readonly ordinal: number;
  readonly attempt: number;
  readonly action: ErrandAction;
  /** For a map's item: the map that it is an item of. */
  readonly map: ArraySpec | null;
}

/** A value that comes with an outcome, as the action's outputs: its bytes, or where they lie. */
export type OutcomeOutputs = Pick<NewValue, "data" | "uri" | "sizeBytes">;

/**
 * What came of an errand.
 * - `told`: the event says it. The row goes with the commit that applies it. `outputs` become the action's outputs if the
 *   event makes it succeed, `cacheEntryId` says which cache entry they are.
 * - `done`: somebody else will tell, or nobody needs to be told. The row goes at once.
 * - `waiting`: it cannot be done yet. It is tried again after `retryAfterMs`, or as soon as `wakeKey` is woken here.
 */
export type ErrandOutcome =
  | {
      readonly type: "told";
      readonly event: EngineEvent;
      readonly outputs?: OutcomeOutputs;
      readonly cacheEntryId?: string;
    }
  | { readonly type: "done" }
  | { readonly type: "waiting"; readonly retryAfterMs: number; readonly wakeKey?: string };

/**
 * Carries out errands of one kind, a batch at a time, and answers their outcomes in the same order. Doing one twice, here or in two schedulers at
 * once, must be harmless. When it rejects all of them are tried again: later if the database or the store is away, one by
 * one if it looks like a defect, and given up after a few times.
 */
export type CarryOut = (errands: readonly Errand[]) => Promise<readonly ErrandOutcome[]>;

/** What errands are carried out with. */
export interface ErrandTools {
  readonly pool: Pool;
  /** The same connections. */
  readonly db: Db;
  readonly values: Values;
  readonly storage: ObjectStore;
  readonly logger: Logger;
  /** Rows were added to `events`: of a run just launched, or of one that is asked to abort. */
  readonly onEvents: () => void;
}

/** An errand that a defect of ours keeps from being done ends like this, so that its run goes on or ends. */
export function outcomeOfDefect({ kind, ordinal, attempt }: Errand, message: string, atMs: number): EngineEvent {
  const failure: Failure = { code: "InternalError", message, kind: "system", recoverable: false };
  switch (kind) {
    case "check_cache":
      return { type: "cacheChecked", ordinal, atMs, status: "lookup_failure", key: null };
    case "gather_outputs":
      return { type: "gatheringFailed", ordinal, atMs, failure };
    case "launch_child":
    case "abort_child":
      return { type: "childEnded", ordinal, attempt, atMs, phase: "failed", failure };
  }
}

import type { AttemptId, OrderKind } from "@skein/contracts";
import type { Changes, EngineEvent, ErrandKind, ValueCopy } from "@skein/engine";

/** A `LiteralMap` to store: its bytes, or where they lie in the object store. */
export interface NewValue {
  readonly ordinal: number;
  readonly side: "inputs" | "outputs";
  readonly data: Uint8Array | null;
  readonly uri: string | null;
  readonly sizeBytes: number;
}

/** What the scheduler knows of a new attempt beside the engine's view. There is one for each new attempt. */
export interface NewOrder {
  readonly id: AttemptId;
  readonly kind: OrderKind;
  readonly pool: string;
  /** SHA-256 of the attempt's token. */
  readonly tokenHash: Uint8Array;
  /** False when the attempt ended in the advance that made it, so that nobody is asked to make it. */
  readonly isDispatched: boolean;
}

/** A gate that waits for an answer from now on. */
export interface NewSignal {
  readonly ordinal: number;
  readonly signalId: string;
  readonly isApproval: boolean;
  /** `flyteidl.core.LiteralType`. */
  readonly type: Uint8Array;
}

/** What a task wrote instead of outputs: `flyteidl.core.CompiledWorkflowClosure`, in one of two places. */
export interface NewExpansion {
  readonly ordinal: number;
  readonly compiled: Uint8Array | null;
  readonly uri: string | null;
  /** Where the task left its `flyteidl.core.DynamicJobSpec`. */
  readonly specUri: string;
}

/** Outputs of an action to keep for others, under an address of the cache. */
export interface CachePut {
  readonly entryId: string;
  readonly project: string;
  readonly domain: string;
  readonly datasetName: string;
  readonly datasetVersion: string;
  readonly tag: string;
  readonly taskVersion: string;
  readonly ordinal: number;
  readonly actionName: string;
  readonly attempt: number;
  readonly data: Uint8Array | null;
  readonly uri: string | null;
  readonly sizeBytes: number;
}

/** An object that an action made or used. */
export interface NewArtifactLink {
  readonly ordinal: number;
  readonly side: "inputs" | "outputs";
  readonly uri: string;
  readonly variable: string;
}

/** What the end of a child run tells the run that launched it. */
export interface ParentNews {
  readonly parent: AttemptId;
  readonly event: EngineEvent;
  /** The child's outputs, if it succeeded. */
  readonly outputs: Pick<NewValue, "data" | "uri" | "sizeBytes"> | null;
}

/** What an agent said of an attempt beside the engine's facts. */
export interface Reporter {
  readonly agentId: string;
  /** Null where it did not say. */
  readonly imageDigest: string | null;
}

/** Everything that one advance of one run writes. */
export interface RunAdvance {
  readonly runId: string;
  /** The version this advance started from; another one in Postgres undoes the whole commit. */
  readonly version: number;
  readonly changes: Changes;
  /** Values to write, copies of them included. */
  readonly values: readonly NewValue[];
  /** Values to copy from rows of earlier commits. What is not there is not copied. */
  readonly copies: readonly ValueCopy[];
  readonly orders: readonly NewOrder[];
  /** Who reported an attempt, by `ordinal.attempt`. */
  readonly reporters: ReadonlyMap<string, Reporter>;
  /** Decks that tasks wrote, by ordinal. */
  readonly deckUris: ReadonlyMap<number, string>;
  readonly signals: readonly NewSignal[];
  readonly expansions: readonly NewExpansion[];
  readonly cachePuts: readonly CachePut[];
  /** The cache entries that outputs came from or go to, by ordinal. */
  readonly cacheEntryIds: ReadonlyMap<number, string>;
  readonly links: readonly NewArtifactLink[];
  readonly parentNews: ParentNews | null;
  /** This advance ends the run, and somebody may want to hear of it. */
  readonly isAnnounced?: boolean;
  readonly appliedEvents: readonly EngineEvent[];
  /** Rows of `events` that are among the applied ones. */
  readonly eventIds: readonly number[];
  /** Rows of `errands` whose outcome is among the applied events. */
  readonly errandIds: readonly number[];
}

/** A row of `commands` just made. */
export interface CommandRow {
  readonly commandId: number;
  readonly id: AttemptId;
}

/** A row of `errands`. */
export interface ErrandRow {
  readonly errandId: number;
  readonly kind: ErrandKind;
  readonly id: AttemptId;
}

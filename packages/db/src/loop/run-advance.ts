import type { AttemptId, OrderKind } from "@skein/contracts";
import type { Changes, EngineEvent } from "@skein/engine";

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

/** Everything that one advance of one run writes. */
export interface RunAdvance {
  readonly runId: string;
  /** The version this advance started from; another one in Postgres undoes the whole commit. */
  readonly version: number;
  readonly changes: Changes;
  readonly values: readonly NewValue[];
  readonly orders: readonly NewOrder[];
  /** Which agent reported an attempt, by `ordinal.attempt`. */
  readonly reporters: ReadonlyMap<string, string>;
  /** Decks that tasks wrote, by ordinal. */
  readonly deckUris: ReadonlyMap<number, string>;
  readonly appliedEvents: readonly EngineEvent[];
  /** Rows of `events` that are among the applied ones. */
  readonly eventIds: readonly number[];
}

/** A row of `commands` just made. */
export interface CommandRow {
  readonly commandId: number;
  readonly id: AttemptId;
}

import type { ValueRef } from "@skein/engine";

type Place = Pick<ValueRef, "ordinal" | "side">;

const keyOf = (runId: string, { ordinal, side }: Place): string => `${runId}/${ordinal}/${side}`;

/** What an entry takes in memory beside its bytes, about; most values are far smaller than that. */
export const ENTRY_BYTES = 400;

const costOf = (value: Uint8Array): number => value.length + ENTRY_BYTES;

/**
 * Recently used values, up to a number of bytes: those that a run binds next are nearly always the ones it got last.
 * They are in two halves: new and used ones go into the young one, and when that is full the old one is forgotten as a
 * whole. To order every value by its use would cost more than the values are worth when there are very many.
 */
export class ValueCache {
  readonly #halfBytesMax: number;
  #young = new Map<string, Uint8Array>();
  #old = new Map<string, Uint8Array>();
  #youngBytes = 0;

  constructor(bytesMax: number) {
    this.#halfBytesMax = bytesMax / 2;
  }

  get(runId: string, ref: Place): Uint8Array | undefined {
    const key = keyOf(runId, ref);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.#add(key, old);
    return old;
  }

  set(runId: string, ref: Place, value: Uint8Array): void {
    if (costOf(value) <= this.#halfBytesMax) this.#add(keyOf(runId, ref), value);
  }

  #add(key: string, value: Uint8Array): void {
    const known = this.#young.get(key);
    if (known !== undefined) this.#youngBytes -= costOf(known);
    if (this.#youngBytes + costOf(value) > this.#halfBytesMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, value);
    this.#youngBytes += costOf(value);
  }
}

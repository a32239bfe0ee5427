import type { ValueRef } from "@skein/engine";

type Place = Pick<ValueRef, "ordinal" | "side">;

const keyOf = (runId: string, { ordinal, side }: Place): string => `${runId}/${ordinal}/${side}`;

/** Recently used values, up to a number of bytes: those that a run binds next are nearly always the ones it got last. */
export class ValueCache {
  readonly #bytesMax: number;
  readonly #values = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(runId: string, ref: Place): Uint8Array | undefined {
    const key = keyOf(runId, ref);
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(runId: string, ref: Place, value: Uint8Array): void {
    const key = keyOf(runId, ref);
    this.#remove(key);
    if (value.length > this.#bytesMax) return;
    this.#values.set(key, value);
    this.#bytes += value.length;
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    this.#bytes -= this.#values.get(key)?.length ?? 0;
    this.#values.delete(key);
  }
}

const GROWTH = 1.6;
const JITTER = 0.2;

/** Pauses that grow from the first to the longest, each a little off, so that many tasks do not ask at once. */
export class Pace {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #nextMs: number;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#nextMs = firstMs;
  }

  next(): number {
    const pauseMs = this.#nextMs;
    this.#nextMs = Math.min(this.#longestMs, pauseMs * GROWTH);
    return pauseMs * (1 - JITTER + 2 * JITTER * Math.random());
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

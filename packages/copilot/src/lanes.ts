import { invariant } from "@skein/errors";

/** Does pieces of work side by side, as many at a time as their weights allow, and stops at the first failure. */
export class Lanes {
  #free: number;
  readonly #width: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(width: number) {
    this.#width = width;
    this.#free = width;
  }

  /** Resolves when the work has begun, so that a caller never has more of it waiting than one piece. */
  async begin(weight: number, work: () => Promise<void>): Promise<void> {
    invariant(weight > 0 && weight <= this.#width, `a weight of ${weight} does not fit ${this.#width} lanes`);
    while (this.#free < weight) await Promise.race(this.#running);
    this.#throwFailure();
    this.#free -= weight;
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#free += weight;
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  /** Resolves when all that was begun is over; rejects with the first failure. */
  async end(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/**
 * Room for tasks that launch runs and wait for them. In a slot they would keep out the very work that they wait for, so
 * they run beside the slots as long as there is room; then they take a slot like everybody else.
 */
export class ClientPlaces {
  readonly #max: number;
  readonly #busy = new Set<Promise<void>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves when the caller's slot is free again: at once where there is room, else with the end of `work`. */
  async run(work: () => Promise<void>, onError: (error: unknown) => void): Promise<void> {
    if (this.#busy.size >= this.#max) return work();
    const done: Promise<void> = work()
      .catch(onError)
      .finally(() => this.#busy.delete(done));
    this.#busy.add(done);
  }

  /** Resolves when nothing runs beside the slots. */
  async whenEmpty(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy);
  }
}

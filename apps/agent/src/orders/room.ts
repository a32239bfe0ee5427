import { type AskedResources, type Capacity, UNLIMITED } from "@skein/contracts";

const DIMENSIONS = ["cpuMillis", "memoryMiB", "gpus"] as const;
export const NOTHING: AskedResources = { cpuMillis: 0, memoryMiB: 0, gpus: 0 };

/** What is left of an agent's capacity. */
export class Room {
  readonly capacity: Capacity;
  readonly #used = { slots: 0, cpuMillis: 0, memoryMiB: 0, gpus: 0 };
  readonly #onChange: () => void;

  constructor(capacity: Capacity, onChange: () => void) {
    this.capacity = capacity;
    this.#onChange = onChange;
  }

  get used(): Capacity {
    return { ...this.#used };
  }

  /** Below 0 while more runs than there are slots: an earlier process may have had more of them. */
  get freeSlots(): number {
    return this.capacity.slots - this.#used.slots;
  }

  /** Whether there is room for it once nothing else runs. */
  canEverHold(asks: AskedResources): boolean {
    return DIMENSIONS.every((one) => this.#limit(one) >= asks[one]);
  }

  /** Whether there is room for it beside what runs, slots apart. */
  fits(asks: AskedResources): boolean {
    return DIMENSIONS.every((one) => asks[one] === 0 || this.#limit(one) - this.#used[one] >= asks[one]);
  }

  /** Reserves a slot and what is asked for; answers how to give both back, which counts once. */
  reserve(asks: AskedResources): () => void {
    this.#add(asks, 1);
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      this.#add(asks, -1);
    };
  }

  #limit(dimension: (typeof DIMENSIONS)[number]): number {
    const limit = this.capacity[dimension];
    return limit === UNLIMITED ? Number.POSITIVE_INFINITY : limit;
  }

  #add(asks: AskedResources, sign: 1 | -1): void {
    this.#used.slots += sign;
    for (const one of DIMENSIONS) this.#used[one] += sign * asks[one];
    this.#onChange();
  }
}

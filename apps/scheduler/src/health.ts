/** What a scheduler cannot do without. */
export type Part = "database" | "lease" | "queue";

const SILENT_MS = 10_000;
/** No round of a loop takes that long, whether it succeeds or fails: it waits for an answer that will never come. */
const ROUND_MS_MAX = 120_000;

const COMPLAINTS: Record<Part, string> = {
  database: "The database has not answered",
  lease: "No lease on shards could be renewed",
  queue: "The queue has not answered",
};
const PARTS: readonly Part[] = ["database", "lease", "queue"];

/** Remembers when each part last did what it should, and which rounds go on. All count as well at the start. */
export class Health {
  readonly #now: () => number;
  readonly #answeredAtMs: Record<Part, number>;
  readonly #roundsSinceMs = new Map<string, number>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#answeredAtMs = { database: now(), lease: now(), queue: now() };
  }

  roundBegan(loop: string): void {
    this.#roundsSinceMs.set(loop, this.#now());
  }

  roundEnded(loop: string): void {
    this.#roundsSinceMs.delete(loop);
  }

  /** What only a restart mends: a loop whose round does not end. */
  stuck(): string | undefined {
    for (const [loop, sinceMs] of this.#roundsSinceMs) {
      const seconds = Math.floor((this.#now() - sinceMs) / 1_000);
      if (seconds * 1_000 > ROUND_MS_MAX) return `A round of the loop ${loop} has not ended for ${seconds} s.`;
    }
    return undefined;
  }

  answered(part: Part): void {
    this.#answeredAtMs[part] = this.#now();
  }

  /** A sentence for each part that has been silent for too long. */
  problem(): string | undefined {
    const sentences = PARTS.flatMap((part) => {
      const silentMs = this.#now() - this.#answeredAtMs[part];
      return silentMs > SILENT_MS ? [`${COMPLAINTS[part]} for ${Math.floor(silentMs / 1_000)} s.`] : [];
    });
    return sentences.length === 0 ? undefined : sentences.join(" ");
  }
}

/** What a scheduler cannot do without. */
export type Part = "database" | "lease" | "queue";

const SILENT_MS = 10_000;

const COMPLAINTS: Record<Part, string> = {
  database: "The database has not answered",
  lease: "No lease on shards could be renewed",
  queue: "The queue has not answered",
};
const PARTS: readonly Part[] = ["database", "lease", "queue"];

/** Remembers when each part last did what it should. All count as well at the start. */
export class Health {
  readonly #now: () => number;
  readonly #answeredAtMs: Record<Part, number>;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#answeredAtMs = { database: now(), lease: now(), queue: now() };
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

import type { AttemptReport } from "@skein/contracts";
import type { ErrandRow } from "@skein/db";
import type { EngineEvent } from "@skein/engine";
import type { OutcomeOutputs } from "./errands/errand.ts";
import type { ReadExpansion } from "./read-expansions.ts";

/** What the outcome of an errand brings beside its event. */
export interface FactOfErrand {
  readonly id: number;
  readonly outputs?: OutcomeOutputs | undefined;
  readonly cacheEntryId?: string | undefined;
}

/** One fact for a run, with what the scheduler must do beside applying it. */
export interface Fact {
  readonly event: EngineEvent;
  /** The row of `events` it came from. */
  readonly eventId?: number;
  /** The report it came from. */
  readonly report?: AttemptReport;
  /** The workflow that the reported task wrote, once it was read. */
  readonly expansion?: ReadExpansion;
  /** The errand whose outcome it is. */
  readonly errand?: FactOfErrand;
  /** Errands to carry out for the run, which a crash left or which must be looked at again. */
  readonly takeUp?: readonly ErrandRow[];
  /** Called once: when the fact is in Postgres, or when it turned out to change nothing. */
  readonly onApplied?: () => void;
}

/** Facts of one run, taken out together. */
export interface Work {
  readonly runId: string;
  readonly facts: readonly Fact[];
}

/**
 * Facts wait here until their run is advanced. A run that is taken is nobody else's until it is released: this is what
 * keeps two advances of one run from overlapping in this process.
 */
export class Inbox {
  readonly #waiting = new Map<string, Fact[]>();
  readonly #busy = new Set<string>();
  readonly #paused = new Map<string, NodeJS.Timeout>();
  #ready: string[] = [];
  readonly #onReady: () => void;

  constructor(onReady: () => void) {
    this.#onReady = onReady;
  }

  get size(): number {
    return this.#waiting.size;
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  add(runId: string, facts: readonly Fact[]): void {
    const waiting = this.#waiting.get(runId);
    if (waiting) {
      waiting.push(...facts);
      return;
    }
    this.#waiting.set(runId, [...facts]);
    if (!this.#busy.has(runId) && !this.#paused.has(runId)) this.#makeReady(runId);
  }

  /** Up to `max` runs, oldest first, with all their facts. Each must be released. */
  take(max: number): Work[] {
    const runIds = this.#ready.splice(0, max);
    return runIds.map((runId) => {
      this.#busy.add(runId);
      const facts = this.#waiting.get(runId) ?? [];
      this.#waiting.delete(runId);
      return { runId, facts };
    });
  }

  release(runId: string): void {
    this.#busy.delete(runId);
    if (this.#waiting.has(runId) && !this.#paused.has(runId)) this.#makeReady(runId);
  }

  /** Releases a run with its facts put back in front, to be tried again after `ms`. */
  retryLater({ runId, facts }: Work, ms: number): void {
    this.#waiting.set(runId, [...facts, ...(this.#waiting.get(runId) ?? [])]);
    clearTimeout(this.#paused.get(runId));
    this.#paused.set(
      runId,
      setTimeout(() => {
        this.#paused.delete(runId);
        if (!this.#busy.has(runId) && this.#waiting.has(runId)) this.#makeReady(runId);
      }, ms),
    );
    this.#busy.delete(runId);
  }

  /** Forgets what waits; what is taken stays with its taker. */
  clear(): void {
    for (const timer of this.#paused.values()) clearTimeout(timer);
    this.#paused.clear();
    this.#waiting.clear();
    this.#ready = [];
  }

  #makeReady(runId: string): void {
    this.#ready.push(runId);
    this.#onReady();
  }
}

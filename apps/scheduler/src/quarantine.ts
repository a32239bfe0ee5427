import { randomUUID } from "node:crypto";
import { endBrokenRun } from "@skein/db";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "./database.ts";
import type { Inbox, Work } from "./inbox.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import type { RunCache } from "./run-cache.ts";

export interface QuarantineOptions {
  readonly db: Pool;
  readonly inbox: Inbox;
  readonly cache: RunCache;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
  /** Wakes those who watch runs. */
  readonly onChanged: () => void;
}

const TRIES_MAX = 5;
const FIRST_PAUSE_MS = 200;
const PAUSE_FACTOR = 4;
const PAUSE_MAX_MS = 5_000;

/**
 * Runs that a defect of ours keeps from advancing. Each is tried again a few times, apart from all others, because the
 * defect may be a passing one; then it is failed from rows alone, so that every run ends.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #tries = new Map<string, number>();

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** The run was advanced. */
  release(runId: string): void {
    this.#tries.delete(runId);
  }

  /** Puts work back for a later try, or ends its run. Never rejects. */
  async take(work: Work, error: unknown): Promise<void> {
    const { cache, logger, inbox } = this.#options;
    const { runId, facts } = work;
    const tries = (this.#tries.get(runId) ?? 0) + 1;
    this.#tries.set(runId, tries);
    cache.drop(runId);
    const told = { runId, tries, facts: [...new Set(facts.map(({ event }) => event.type))], err: error };
    if (tries >= TRIES_MAX) {
      await this.#end(work, told);
      return;
    }
    logger.error(told, "a run cannot be advanced and will be tried again");
    inbox.retryLater(acknowledged(work), Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * PAUSE_FACTOR ** (tries - 1)));
  }

  async #end(work: Work, told: object): Promise<void> {
    const { db, logger, metrics, inbox, onChanged } = this.#options;
    const correlationId = randomUUID();
    const message = `Skein could not go on with this run because of a defect of its own. Its log says more under the id ${correlationId}.`;
    logger.error({ ...told, correlationId }, "a run cannot be advanced and is failed");
    try {
      if (await endBrokenRun(db, work.runId, { code: "InternalError", message })) metrics.brokenRuns.inc();
    } catch (error) {
      logger.warn({ runId: work.runId, correlationId, err: error }, "a broken run could not be failed yet");
      inbox.retryLater(acknowledged(work), PAUSE_MAX_MS);
      return;
    }
    this.#tries.delete(work.runId);
    for (const { onApplied } of work.facts) onApplied?.();
    inbox.release(work.runId);
    onChanged();
  }
}

/** The queue need not hold reports any longer: they wait here, and their agents send them until they are settled. */
function acknowledged({ runId, facts }: Work): Work {
  return {
    runId,
    facts: facts.map((fact) => {
      if (!fact.report) return fact;
      fact.onApplied?.();
      const { onApplied: _, ...rest } = fact;
      return rest;
    }),
  };
}

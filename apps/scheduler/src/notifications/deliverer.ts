import { type DueDelivery, recordDelivered, recordFailedTry, takeDueDeliveries } from "@skein/db";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "../database.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import { DeliveryFailure } from "./delivery-failure.ts";
import { retryDelayMs, TRIES_MAX } from "./retry-delay.ts";

export interface DelivererOptions {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly metrics: Pick<SchedulerMetrics, "deliveries">;
  readonly send: (delivery: DueDelivery) => Promise<string | null>;
  /** Longer than any try takes: another scheduler tries again when nothing was recorded for so long. */
  readonly leaseMs: number;
  /** After the first failed try; twice as long after each further one. */
  readonly firstRetryMs?: number;
  /** There may be more to take now. */
  readonly onFree: () => void;
}

const AT_ONCE = 16;
/** A target that does not answer must not keep those of others waiting. */
const AT_ONCE_PER_RULE = 4;

/**
 * Sends what is due, some at a time and outside of any transaction. At least once: what was sent and not recorded, because
 * this process died in between, is sent again under the same id.
 */
export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #active = new Map<Promise<void>, number | null>();
  #isMoreWaiting = false;

  constructor(options: DelivererOptions) {
    this.#options = options;
  }

  /** Takes what is due and there is room for, and answers while it is under way. */
  async takeUp(): Promise<void> {
    const limit = AT_ONCE - this.#active.size;
    this.#isMoreWaiting = limit <= 0;
    if (limit <= 0) return;
    const { pool, leaseMs } = this.#options;
    const taken = await takeDueDeliveries(pool, { limit, leaseMs, busyRuleIds: this.#busyRuleIds() });
    this.#isMoreWaiting = taken.length === limit;
    for (const delivery of taken) this.#begin(delivery);
  }

  /** Waits for what is under way, which `send` ends soon once it was told to. */
  async close(): Promise<void> {
    await Promise.all(this.#active.keys());
  }

  #busyRuleIds(): number[] {
    const counts = new Map<number, number>();
    for (const ruleId of this.#active.values()) {
      if (ruleId !== null) counts.set(ruleId, (counts.get(ruleId) ?? 0) + 1);
    }
    return Array.from(counts).flatMap(([ruleId, count]) => (count >= AT_ONCE_PER_RULE ? [ruleId] : []));
  }

  #begin(delivery: DueDelivery): void {
    const { logger, onFree } = this.#options;
    const work = this.#deliver(delivery)
      .catch((error: unknown) => {
        logger.warn({ err: error, delivery: delivery.id }, "what came of a delivery could not be recorded");
      })
      .finally(() => {
        this.#active.delete(work);
        if (this.#isMoreWaiting) onFree();
      });
    this.#active.set(work, delivery.ruleId);
  }

  async #deliver(delivery: DueDelivery): Promise<void> {
    const { pool, metrics, send } = this.#options;
    const { id, tries } = delivery;
    const kind = delivery.rule?.kind ?? delivery.kind;
    try {
      const note = await send(delivery);
      await recordDelivered(pool, id, note);
      metrics.deliveries.inc({ kind, outcome: "delivered" });
    } catch (error) {
      if (!(error instanceof DeliveryFailure)) throw error;
      const retryInMs = this.#retryInMs(error, tries);
      await recordFailedTry(pool, { id, tries, error: error.message, retryInMs });
      metrics.deliveries.inc({ kind, outcome: retryInMs === null ? "failed" : "retried" });
    }
  }

  #retryInMs({ isFinal, retryAfterMs }: DeliveryFailure, tries: number): number | null {
    if (isFinal || tries >= TRIES_MAX) return null;
    return Math.max(retryAfterMs, retryDelayMs(tries, Math.random(), this.#options.firstRetryMs));
  }
}

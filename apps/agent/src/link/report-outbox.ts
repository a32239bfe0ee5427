import type { AttemptReport } from "@skein/contracts";
import type { Queues } from "@skein/queue";
import type { Logger } from "@skein/telemetry";
import { type HeldAttempt, reportOf } from "../held-attempt.ts";
import type { AgentMetrics } from "../metrics.ts";

type OutboxMetrics = Pick<AgentMetrics, "started" | "reportSeconds">;

const RESEND_MS = 2_000;

/** Sends reports, and the last one of an attempt again and again until a heartbeat says that it is settled. */
export class ReportOutbox {
  readonly #queues: Queues;
  readonly #agentId: string;
  readonly #logger: Logger;
  readonly #unsettled = new Map<HeldAttempt, number>();
  readonly #metrics: OutboxMetrics;
  readonly #timer: NodeJS.Timeout;

  constructor(queues: Queues, agentId: string, logger: Logger, metrics: OutboxMetrics) {
    this.#metrics = metrics;
    this.#queues = queues;
    this.#agentId = agentId;
    this.#logger = logger;
    this.#timer = setInterval(() => this.#sendAgain(), RESEND_MS / 4);
  }

  /** Said once: should it get lost, the outcome says the same and more. */
  async sendStarted(held: HeldAttempt, startedAtMs: number, imageDigest?: string): Promise<void> {
    this.#metrics.started.inc();
    const started = { type: "started" as const, startedAtMs, ...(imageDigest === undefined ? {} : { imageDigest }) };
    await this.#send(held.order.shard, [reportOf(this.#agentId, held, started)]);
  }

  /** Needs `held.outcome`. */
  async sendOutcome(held: HeldAttempt): Promise<void> {
    if (held.outcome === undefined || held.isSettled) return;
    this.#unsettled.set(held, Date.now());
    await this.#send(held.order.shard, [reportOf(this.#agentId, held, held.outcome)]);
  }

  forget(held: HeldAttempt): void {
    const { outcome } = held;
    if (!this.#unsettled.delete(held) || !outcome || outcome.type === "started") return;
    this.#metrics.reportSeconds.observe((Date.now() - outcome.endedAtMs) / 1000);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sendAgain(): void {
    const now = Date.now();
    const byShard = new Map<number, AttemptReport[]>();
    for (const [held, sentAt] of this.#unsettled) {
      if (held.outcome === undefined || now - sentAt < RESEND_MS) continue;
      this.#unsettled.set(held, now);
      const reports = byShard.get(held.order.shard) ?? [];
      reports.push(reportOf(this.#agentId, held, held.outcome));
      byShard.set(held.order.shard, reports);
    }
    for (const [shard, reports] of byShard) void this.#send(shard, reports);
  }

  async #send(shard: number, reports: readonly AttemptReport[]): Promise<void> {
    try {
      await this.#queues.sendReports(shard, reports);
    } catch (error) {
      this.#logger.warn(
        { err: error, shard, reports: reports.length },
        "The queue did not take reports; they are sent again",
      );
    }
  }
}

import type { AttemptReport } from "@skein/contracts";

const REPORTS_PER_JOB = 100;
const SENDS_IN_FLIGHT = 4;

interface Waiting {
  readonly reports: AttemptReport[];
  readonly settle: { resolve(): void; reject(error: unknown): void }[];
}

/**
 * Gathers the reports of one shard: what comes while others are on their way leaves together, in one job. The promise
 * of `send` resolves when the queue has them and rejects when it did not take them.
 */
export class ReportSender {
  readonly #add: (reports: readonly AttemptReport[]) => Promise<void>;
  #waiting: Waiting = { reports: [], settle: [] };
  #inFlight = 0;
  #isScheduled = false;

  constructor(add: (reports: readonly AttemptReport[]) => Promise<void>) {
    this.#add = add;
  }

  send(reports: readonly AttemptReport[]): Promise<void> {
    if (reports.length === 0) return Promise.resolve();
    this.#waiting.reports.push(...reports);
    const sent = new Promise<void>((resolve, reject) => this.#waiting.settle.push({ resolve, reject }));
    this.#schedule();
    return sent;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight >= SENDS_IN_FLIGHT) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const { reports, settle } = this.#waiting;
    if (reports.length === 0) return;
    this.#waiting = { reports: [], settle: [] };
    this.#inFlight += 1;
    try {
      for (let at = 0; at < reports.length; at += REPORTS_PER_JOB) {
        await this.#add(reports.slice(at, at + REPORTS_PER_JOB));
      }
      for (const { resolve } of settle) resolve();
    } catch (error) {
      for (const { reject } of settle) reject(error);
    } finally {
      this.#inFlight -= 1;
      if (this.#waiting.reports.length > 0) this.#schedule();
    }
  }
}

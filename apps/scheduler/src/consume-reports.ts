import { type AttemptReport, attemptToken, isSameToken } from "@skein/contracts";
import type { Consumer, Queues } from "@skein/queue";
import type { Inbox } from "./inbox.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import { toEvent } from "./read-report.ts";

export interface ConsumeOptions {
  readonly queues: Queues;
  readonly inbox: Inbox;
  readonly secretKey: string;
  readonly metrics: SchedulerMetrics;
}

/**
 * Serves the report queue of a shard. A report whose token is not its attempt's is dropped and counted; the others are
 * acknowledged once their run's commit holds them.
 */
export function consumeReports(shard: number, options: ConsumeOptions): Promise<Consumer> {
  const { inbox, secretKey, metrics } = options;
  const isGenuine = (report: AttemptReport): boolean => isSameToken(report.token, attemptToken(secretKey, report));
  return options.queues.consumeReports(shard, (reports) => {
    const nowMs = Date.now();
    const genuine = reports.filter(isGenuine);
    if (genuine.length < reports.length) metrics.staleReports.inc({ reason: "token" }, reports.length - genuine.length);
    if (genuine.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let open = genuine.length;
      const onApplied = () => {
        open -= 1;
        if (open === 0) resolve();
      };
      for (const report of genuine) inbox.add(report.runId, [{ event: toEvent(report, nowMs), report, onApplied }]);
    });
  });
}

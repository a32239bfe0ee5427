import type { AttemptOrder, AttemptReport } from "@skein/contracts";
import type { Queues } from "@skein/queue";

/** Answers an order that starts nothing: its outputs are its inputs. It needs no slot, no claim and no folder. */
export async function answerEcho(queues: Queues, agentId: string, order: AttemptOrder): Promise<void> {
  await queues.sendReports(order.shard, [echoReport(agentId, order, Date.now())]);
}

export function echoReport(agentId: string, order: AttemptOrder, nowMs: number): AttemptReport {
  const { runId, ordinal, attempt, token } = order;
  const outputs = { data: order.inputs ?? "" };
  return {
    runId,
    ordinal,
    attempt,
    token,
    agentId,
    outcome: { type: "succeeded", startedAtMs: nowMs, endedAtMs: nowMs, outputs },
  };
}

import type { Failure } from "../event.ts";
import type { GraphNode } from "../program.ts";
import type { EngineLimits } from "../run-limits.ts";

/** As in Flyte, all attempts together may take twice the time of one. Here nobody's waiting for the first one counts. */
export const totalTimeoutMs = ({ timeoutMs }: GraphNode): number => 2 * timeoutMs;

/** The code of an action whose attempts together took too long. Flyte shows such a node as TIMED_OUT. */
export const TOTAL_TIMEOUT = "Timeout";

export const totalTimeout = (node: GraphNode): Failure => ({
  code: TOTAL_TIMEOUT,
  message: `Timeout in node ${node.id}: task active timeout [${totalTimeoutMs(node) / 1000}s] expired`,
  kind: "user",
  recoverable: false,
});

/** Nobody began an attempt in time; `note` says what else is known of why. */
export const queueTimeout = ({ queueTimeoutMs }: EngineLimits, note: string | undefined): Failure => ({
  code: "QueueTimeout",
  message: [`The attempt waited ${queueTimeoutMs / 1000} s and was not begun.`, ...(note ? [note] : [])].join(" "),
  kind: "user",
  recoverable: false,
});

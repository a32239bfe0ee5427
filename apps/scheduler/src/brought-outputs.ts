import type { RunState } from "@skein/engine";
import { isTerminalAction } from "@skein/engine";
import { isCurrent } from "./attempt-reports.ts";
import { underOutputNames } from "./echo-outputs.ts";
import type { Fact } from "./inbox.ts";

/** Outputs of an action that come with a fact: their bytes, or where they lie. */
export interface BroughtOutputs {
  readonly ordinal: number;
  /** The attempt that reports them; null when an errand found or made them. */
  readonly attempt: number | null;
  readonly data: Uint8Array | null;
  readonly uri: string | null;
  readonly sizeBytes: number;
}

/** The outputs that a fact brings for an action that may still take them. A late fact must not lend its outputs to it. */
export function broughtBy({ event, report, errand }: Fact, state: RunState): BroughtOutputs | undefined {
  if (errand?.outputs && "ordinal" in event) {
    const action = state.actions.get(event.ordinal);
    const mayTake = action && !isTerminalAction(action.phase) && action.attempts === 0;
    return mayTake ? { ordinal: event.ordinal, attempt: null, ...errand.outputs } : undefined;
  }
  if (report?.outcome.type !== "succeeded" || report.outcome.futures || !isCurrent(state, report)) return undefined;
  const { ordinal, attempt, outcome } = report;
  const { outputs } = outcome;
  if ("uri" in outputs) return { ordinal, attempt, data: null, uri: outputs.uri, sizeBytes: outputs.sizeBytes };
  const action = state.actions.get(ordinal);
  const given = Buffer.from(outputs.data, "base64");
  const data = action ? underOutputNames(action.node, given) : given;
  return { ordinal, attempt, data, uri: null, sizeBytes: data.length };
}

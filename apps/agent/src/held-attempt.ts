import type { AttemptOrder, AttemptReport, ClaimGrant, Outcome } from "@skein/contracts";
import type { Host } from "./hosts.ts";
import type { AttemptFolder } from "./ledger/attempt-folder.ts";
import type { Mask } from "./secrets/mask.ts";

/** An attempt that this agent took and that is not settled yet. Everything in it is also on disk. */
export interface HeldAttempt {
  readonly folder: AttemptFolder;
  readonly order: AttemptOrder;
  /** The agent's own until it is granted and somebody else is found to do it. */
  host: Host;
  grant: ClaimGrant | undefined;
  /** Hides its secrets in what it says; undefined while they are not known, and nothing that it says may be sent. */
  mask: Mask | undefined;
  /** When it was started; once user code runs, since when that does. */
  startedAtMs: number | undefined;
  /** Whether user code was seen to run. */
  isRunning: boolean;
  /** How it ended. */
  outcome: Outcome | undefined;
  /** The scheduler wants it to end. */
  mustStop: boolean;
  /** It is over in Postgres: nothing more needs to be said about it. */
  isSettled: boolean;
}

export function holdAttempt(folder: AttemptFolder, order: AttemptOrder, host: Host): HeldAttempt {
  return {
    folder,
    order,
    host,
    grant: undefined,
    mask: undefined,
    startedAtMs: undefined,
    isRunning: false,
    outcome: undefined,
    mustStop: false,
    isSettled: false,
  };
}

export function reportOf(agentId: string, held: HeldAttempt, outcome: Outcome): AttemptReport {
  const { runId, ordinal, attempt, token } = held.order;
  return { runId, ordinal, attempt, token, agentId, outcome };
}

import type { AttemptOrder, AttemptReport, ClaimGrant, Outcome } from "@skein/contracts";
import type { AttemptFolder } from "./ledger/attempt-folder.ts";

/** An attempt that this agent took and that is not settled yet. Everything in it is also on disk. */
export interface HeldAttempt {
  readonly folder: AttemptFolder;
  readonly order: AttemptOrder;
  grant: ClaimGrant | undefined;
  startedAtMs: number | undefined;
  /** How it ended. */
  outcome: Outcome | undefined;
  /** The scheduler wants it to end. */
  mustStop: boolean;
  /** It is over in Postgres: nothing more needs to be said about it. */
  isSettled: boolean;
}

export function holdAttempt(folder: AttemptFolder, order: AttemptOrder): HeldAttempt {
  return {
    folder,
    order,
    grant: undefined,
    startedAtMs: undefined,
    outcome: undefined,
    mustStop: false,
    isSettled: false,
  };
}

export function reportOf(agentId: string, held: HeldAttempt, outcome: Outcome): AttemptReport {
  const { runId, ordinal, attempt, token } = held.order;
  return { runId, ordinal, attempt, token, agentId, outcome };
}

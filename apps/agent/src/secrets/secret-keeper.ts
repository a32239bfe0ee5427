import { setTimeout as pause } from "node:timers/promises";
import type { AttemptOrder, ClaimGrant, Outcome } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import type { SecretSource } from "@skein/secrets";
import type { Logger } from "@skein/telemetry";
import type { HeldAttempt } from "../held-attempt.ts";
import type { ClaimResult } from "../link/claim-batcher.ts";
import type { TaskSecret } from "../runtimes/runtime.ts";
import { createMask, type Mask, NO_MASK } from "./mask.ts";
import { taskSecrets } from "./task-secrets.ts";

export interface SecretKeeperOptions {
  /** Of the agent's own, for what the api does not have. */
  readonly source: SecretSource;
  /** Asks the api for the grant of an attempt once more. */
  readonly claim: (order: AttemptOrder) => Promise<ClaimResult>;
  readonly logger: Logger;
  readonly closing: AbortSignal;
}

const RETRY_MS = 1_000;
const UNSHOWN = "(not shown: it may hold values of secrets, which this agent does not know any more)";

/** Knows the values of an attempt's secrets while it is held, and keeps them out of its records on disk. */
export class SecretKeeper {
  readonly #options: SecretKeeperOptions;

  constructor(options: SecretKeeperOptions) {
    this.#options = options;
  }

  /** Takes a grant as the api gave it; the record on disk has no values. */
  async accept(held: HeldAttempt, grant: ClaimGrant): Promise<void> {
    await held.folder.write("grant", withoutValues(grant));
    held.grant = grant;
    held.mask = maskOf(grant, []);
  }

  /** Takes a grant that the api gave again for what may run already; it may lack values. */
  async acceptAgain(held: HeldAttempt, grant: ClaimGrant): Promise<void> {
    await held.folder.write("grant", withoutValues(grant));
    this.reopen(held, withoutValues(grant));
  }

  /** Takes a grant that `accept` wrote. What its task printed stays here until `recall` knows what to hide. */
  reopen(held: HeldAttempt, grant: ClaimGrant | undefined): void {
    held.grant = grant;
    held.mask = grant?.secrets.length === 0 ? NO_MASK : undefined;
  }

  /** The values of an attempt's secrets; from here on all of them are hidden in what it says. */
  async open(held: HeldAttempt): Promise<TaskSecret[]> {
    if (!held.grant || held.grant.secrets.length === 0) return [];
    const secrets = await taskSecrets(held.grant, this.#options.source);
    held.mask = maskOf(held.grant, secrets);
    return secrets;
  }

  /**
   * Learns the values again after a restart, asking until there is an answer. An attempt that is not this agent's any more
   * keeps no mask: what it printed is not sent.
   */
  async recall(held: HeldAttempt): Promise<void> {
    const { claim, logger, closing } = this.#options;
    for (;;) {
      try {
        if (held.mask === undefined && held.grant) {
          const answer = await claim(held.order);
          if ("refused" in answer) return;
          if ("later" in answer) throw new SkeinError("unavailable", "claim_later", answer.later);
          held.grant = answer.granted;
        }
        await this.open(held);
        return;
      } catch (error) {
        logger.warn({ err: error, attempt: held.folder.key }, "The secrets of a task are not known yet; asking again");
        await pause(RETRY_MS, undefined, { signal: closing });
      }
    }
  }
}

/** The outcome with known values hidden in its words for people. */
export function maskOutcome(outcome: Outcome, mask: Mask | undefined): Outcome {
  if (outcome.type !== "failed") return outcome;
  const message = mask ? mask.text(outcome.failure.message) : UNSHOWN;
  return { ...outcome, failure: { ...outcome.failure, message } };
}

const withoutValues = (grant: ClaimGrant): ClaimGrant => ({
  ...grant,
  secrets: grant.secrets.map((secret) => ({ ...secret, value: null })),
});

function maskOf(grant: ClaimGrant, found: readonly TaskSecret[]): Mask {
  const granted = grant.secrets.flatMap(({ value }) => (value === null ? [] : [Buffer.from(value, "base64")]));
  return createMask([...granted, ...found.map(({ value }) => value)]);
}

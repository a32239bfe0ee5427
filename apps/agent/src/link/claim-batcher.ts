import type { AttemptOrder, ClaimResponse } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import { type ApiClient, CALL_TIMEOUT_MS } from "./api-client.ts";

export type ClaimResult = ClaimResponse["results"][number];

interface Waiting {
  readonly order: AttemptOrder;
  resolve(result: ClaimResult): void;
  reject(error: unknown): void;
}

const CLAIMS_PER_CALL = 500;

/** Claims that come while a call is on its way leave together in the next one. */
export class ClaimBatcher {
  readonly #api: ApiClient;
  readonly #identity: { readonly agentId: string; readonly pool: string };
  readonly #onAnswer: (seconds: number) => void;
  #waiting: Waiting[] = [];
  #isSending = false;

  /** `onAnswer` hears how long each call took that was answered. */
  constructor(
    api: ApiClient,
    identity: { readonly agentId: string; readonly pool: string },
    onAnswer: (seconds: number) => void = () => undefined,
  ) {
    this.#api = api;
    this.#identity = identity;
    this.#onAnswer = onAnswer;
  }

  /** Rejects when the api did not answer in time; asking again is harmless. */
  claim(order: AttemptOrder): Promise<ClaimResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ order, resolve, reject });
      if (!this.#isSending) void this.#send();
    });
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    // What comes in the same turn goes into the first call, too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, CLAIMS_PER_CALL);
      try {
        const attempts = batch.map(({ order: { runId, ordinal, attempt, token } }) => ({
          runId,
          ordinal,
          attempt,
          token,
        }));
        const sentAtMs = Date.now();
        const { results } = await this.#api.claim({ ...this.#identity, attempts });
        dropIfLate(Date.now() - sentAtMs);
        this.#onAnswer((Date.now() - sentAtMs) / 1000);
        for (const [at, waiting] of batch.entries()) waiting.resolve(results[at] ?? { refused: "unknown" });
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
      }
    }
    this.#isSending = false;
  }
}

/**
 * A claim that no heartbeat names for two leases is another agent's to make. A call's own timeout does not see that this
 * process or machine stood still: the answer may be read before the timer fires.
 */
function dropIfLate(ageMs: number): void {
  if (ageMs <= CALL_TIMEOUT_MS) return;
  const message = `The answer to a claim came after ${ageMs} ms; what it grants may be another agent's by now`;
  throw new SkeinError("unavailable", "claim_answer_late", message);
}

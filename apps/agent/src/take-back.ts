import type { AttemptOrder, HeldRequest } from "@skein/contracts";
import type { ApiClient } from "./link/api-client.ts";
import type { AttemptRunner } from "./run-attempt.ts";

export interface TakeBackOptions {
  readonly api: Pick<ApiClient, "held">;
  readonly runner: Pick<AttemptRunner, "takeBack">;
  readonly agentId: string;
  readonly pool: string;
  /** Hears of each attempt that goes on; `done` resolves when its slot is free. */
  readonly onTaken: (order: AttemptOrder, done: Promise<void>) => void;
}

/**
 * Goes on with all that the api says this agent holds and that its disk does not know. Comes before the first heartbeat,
 * which would give those attempts up. Called again after a failure it goes on where it stopped.
 */
export async function takeBack({ api, runner, agentId, pool, onTaken }: TakeBackOptions): Promise<void> {
  let after: HeldRequest["after"] = null;
  do {
    const { attempts, next } = await api.held({ agentId, pool, after });
    await Promise.all(
      attempts.map(async (held) => {
        const taken = await runner.takeBack(held);
        if (taken) onTaken(held.order, taken.done);
      }),
    );
    after = next;
  } while (after);
}

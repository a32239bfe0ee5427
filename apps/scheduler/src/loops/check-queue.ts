import type { Queues } from "@skein/queue";
import type { Health } from "../health.ts";
import type { Round } from "./loop.ts";

/** Asks the queue whether it is there. Nothing else would tell, when there is no work. */
export const checkQueueRound =
  (queues: Pick<Queues, "check">, health: Health): Round =>
  async () => {
    await queues.check();
    health.answered("queue");
    return false;
  };

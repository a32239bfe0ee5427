import type { Queues } from "@skein/queue";
import type { Heartbeat } from "./link/heartbeat.ts";
import type { Runtime } from "./runtimes/runtime.ts";

export interface AgentHealthOptions {
  readonly heartbeat: Pick<Heartbeat, "problem" | "stuck">;
  readonly runtime: Runtime;
  readonly queues: Pick<Queues, "check">;
}

const CHECK_MS = 5_000;
/** Some failures in a row: one may be a moment's. */
const QUEUE_SILENT_MS = 15_000;

/** Whether the agent does its work (readiness), and whether only a restart would make it (liveness). */
export class AgentHealth {
  readonly #options: AgentHealthOptions;
  readonly #timer: NodeJS.Timeout;
  #queueAnsweredMs = performance.now();

  constructor(options: AgentHealthOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#checkQueue(), CHECK_MS);
  }

  /** Undefined when all is well. An api, a queue or a runtime that is away is no reason to restart. */
  get problem(): string | undefined {
    const { heartbeat, runtime } = this.#options;
    const silentMs = performance.now() - this.#queueAnsweredMs;
    const queue =
      silentMs > QUEUE_SILENT_MS ? `the queue has not answered for ${Math.round(silentMs / 1000)} s` : undefined;
    const problems = [heartbeat.problem, queue, runtime.problem?.()].filter((one) => one !== undefined);
    return problems.length === 0 ? undefined : problems.join("; ");
  }

  /** Undefined while the loops turn. */
  get stuck(): string | undefined {
    return this.#options.heartbeat.stuck;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #checkQueue(): Promise<void> {
    await this.#options.queues.check().then(
      () => {
        this.#queueAnsweredMs = performance.now();
      },
      () => undefined,
    );
  }
}

import { availableParallelism, totalmem } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Capacity } from "@skein/contracts";
import type { OrderTaker, Queues } from "@skein/queue";
import type { Logger } from "@skein/telemetry";
import type { ClientPlaces } from "./client-places.ts";
import type { AgentConfig } from "./config.ts";
import { answerEcho } from "./echo.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { ApiClient } from "./link/api-client.ts";
import type { DeckShipper } from "./link/deck-shipper.ts";
import { Heartbeat } from "./link/heartbeat.ts";
import type { AgentMetrics } from "./metrics.ts";
import type { AttemptRunner } from "./run-attempt.ts";
import type { Runtime } from "./runtimes/runtime.ts";
import { VERSION } from "./version.ts";

export interface ServeOptions {
  readonly config: AgentConfig;
  readonly agentId: string;
  readonly ledger: Ledger;
  readonly runtime: Runtime;
  readonly queues: Queues;
  readonly api: ApiClient;
  readonly runner: AttemptRunner;
  readonly decks: DeckShipper;
  readonly clients: ClientPlaces;
  readonly logger: Logger;
  readonly metrics: AgentMetrics;
}

/** Orders are being taken. */
export interface Serving {
  readonly ready: Promise<void>;
  /** Undefined when all is well. */
  readonly problem: string | undefined;
  /** Takes nothing more; resolves when no slot is busy or the time is over. */
  drain(seconds: number): Promise<void>;
  close(): void;
}

const INSTANT_ORDERS_AT_ONCE = 50;
const PAUSE_AFTER_FAILURE_MS = 1_000;

/** Takes over what an earlier process left, tells the api so, and only then takes new orders: as many as there are slots. */
export async function serveOrders(options: ServeOptions): Promise<Serving> {
  const { config, agentId, ledger, runtime, queues, api, runner, decks, clients, logger } = options;
  const taking = new AbortController();
  const folders = await ledger.list();
  await runtime.removeOrphans(new Set(folders.map(({ key }) => key)));
  const resumed: Promise<void>[] = [];
  for (const folder of folders) resumed.push((await runner.resume(folder)).done);

  const capacity = capacityOf(config);
  const heartbeat = new Heartbeat({
    api,
    logger,
    request: () => ({
      agentId,
      pool: config.pool,
      runtime: runtime.name,
      labels: {},
      version: VERSION,
      capacity,
      attempts: runner.claimed.slice(0, 10_000),
      decks: decks.unannounced.slice(0, 1_000),
      notes: [],
      draining: taking.signal.aborted,
    }),
    onAnswer: ({ stop, settled }, told) => {
      decks.announced(told.decks);
      for (const id of settled) runner.settle(id);
      for (const id of stop) runner.stop(id);
    },
  });
  const instant = await queues.consumeInstant(config.pool, { concurrency: INSTANT_ORDERS_AT_ONCE }, (order) =>
    answerEcho(queues, agentId, order),
  );
  const taker = await queues.openOrderTaker(config.pool);
  const slots = Array.from({ length: capacity.slots }, (_, at) =>
    serveSlot(options, taker, resumed[at], taking.signal),
  );
  // More may have been left than there are slots now.
  const busy = Promise.allSettled([...slots, ...resumed.slice(capacity.slots)]);

  async function serveSlot(
    parts: ServeOptions,
    from: OrderTaker,
    left: Promise<void> | undefined,
    signal: AbortSignal,
  ) {
    await left?.catch((error) => logger.error({ err: error }, "An attempt of an earlier process could not go on"));
    await Promise.race([heartbeat.whenFirst, whenAborted(signal)]);
    await takeOrders(parts, from, signal);
  }

  return {
    ready: heartbeat.whenFirst,
    get problem() {
      return heartbeat.problem;
    },
    drain: async (seconds) => {
      taking.abort();
      const ended = busy.then(() => clients.whenEmpty());
      await Promise.race([ended, pause(seconds * 1000, undefined, { ref: false })]);
      await instant.close();
    },
    close: () => heartbeat.close(),
  };
}

async function takeOrders(
  { runner, logger, metrics }: ServeOptions,
  taker: OrderTaker,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const taken = await taker.take(signal);
    if (!taken) return;
    metrics.busySlots.inc();
    try {
      await runner.take(taken);
    } catch (error) {
      if (signal.aborted) return;
      logger.error({ err: error }, "An order could not be run");
      await pause(PAUSE_AFTER_FAILURE_MS);
    } finally {
      metrics.busySlots.dec();
    }
  }
}

const capacityOf = (config: AgentConfig): Capacity => ({
  slots: config.agentSlots ?? availableParallelism(),
  cpuMillis: availableParallelism() * 1000,
  memoryMiB: Math.floor(totalmem() / 2 ** 20),
  gpus: 0,
});

const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

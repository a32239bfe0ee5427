import { setTimeout as pause } from "node:timers/promises";
import { AttemptOrder } from "@skein/contracts";
import type { Queues } from "@skein/queue";
import type { Logger } from "@skein/telemetry";
import { capacityOf } from "./capacity.ts";
import type { ClientPlaces } from "./client-places.ts";
import type { AgentConfig } from "./config.ts";
import { answerEcho } from "./echo.ts";
import { AgentHealth } from "./health.ts";
import type { AttemptFolder } from "./ledger/attempt-folder.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { ApiClient } from "./link/api-client.ts";
import type { DeckShipper } from "./link/deck-shipper.ts";
import { Heartbeat } from "./link/heartbeat.ts";
import type { AgentMetrics } from "./metrics.ts";
import { OrderDesk } from "./orders/order-desk.ts";
import { NOTHING } from "./orders/room.ts";
import type { AttemptRunner } from "./run-attempt.ts";
import type { Runtime } from "./runtimes/runtime.ts";
import { takeBack } from "./take-back.ts";
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
  /** Places beside the slots whose tasks are waited for at the end. */
  readonly beside: readonly ClientPlaces[];
  readonly logger: Logger;
  readonly metrics: AgentMetrics;
}

/** Orders are being taken. */
export interface Serving {
  readonly ready: Promise<void>;
  readonly health: AgentHealth;
  /** Takes nothing more; resolves when no slot is busy or the time is over. */
  drain(seconds: number): Promise<void>;
  close(): void;
}

const INSTANT_ORDERS_AT_ONCE = 50;

/** Takes over what an earlier process left, tells the api so, and only then takes new orders: as many as there is room for. */
export async function serveOrders(options: ServeOptions): Promise<Serving> {
  const { config, agentId, ledger, runtime, queues, runner, beside, metrics } = options;
  const folders = await ledger.list();
  const taker = await queues.openOrderTaker(config.pool);
  const desk = new OrderDesk({
    agentId,
    taker,
    capacity: capacityOf(config),
    run: (taken) => runner.take(taken),
    onError: (error) => options.logger.error({ err: error }, "An attempt could not be run"),
    onChange: () => {
      metrics.busySlots.set(desk.room.used.slots);
      metrics.setReserved(desk.room.used);
    },
    onReturned: (why) => metrics.returned.inc({ why }),
  });
  metrics.setCapacity(desk.room.capacity);
  for (const folder of folders) await resume(folder, desk, runner);

  let isDraining = false;
  const heartbeat = openHeartbeat(options, desk, () => isDraining);
  const instant = await queues.consumeInstant(config.pool, { concurrency: INSTANT_ORDERS_AT_ONCE }, (order) =>
    answerEcho(queues, agentId, order),
  );
  void heartbeat.whenFirst.then(() => desk.start());
  const health = new AgentHealth({ heartbeat, runtime, queues });
  return {
    ready: heartbeat.whenFirst,
    health,
    drain: async (seconds) => {
      isDraining = true;
      desk.stop();
      const ended = desk.whenIdle().then(() => Promise.all(beside.map((places) => places.whenEmpty())));
      await Promise.race([ended, pause(seconds * 1000, undefined, { ref: false })]);
      await instant.close();
    },
    close: () => {
      desk.stop();
      health.close();
      heartbeat.close();
    },
  };
}

/** Goes on with what the disk does not know, and ends what nobody knows. */
async function regain({ api, config, agentId, ledger, runtime, runner }: ServeOptions, desk: OrderDesk): Promise<void> {
  const onTaken = (order: AttemptOrder, done: Promise<void>) => desk.hold(order.resources ?? NOTHING, done);
  await takeBack({ api, runner, agentId, pool: config.pool, onTaken });
  const known = await ledger.list();
  await runtime.removeOrphans(new Set(known.map(({ key }) => key)));
}

/** Goes on with an attempt of an earlier process, in the room that it took there. */
async function resume(folder: AttemptFolder, desk: OrderDesk, runner: AttemptRunner): Promise<void> {
  const order = await folder.read("order", AttemptOrder);
  const { done } = await runner.resume(folder);
  desk.hold(order?.resources ?? NOTHING, done);
}

function openHeartbeat(options: ServeOptions, desk: OrderDesk, isDraining: () => boolean): Heartbeat {
  const { config, agentId, runtime, api, runner, decks, logger, metrics } = options;
  return new Heartbeat({
    api,
    logger,
    beforeFirst: () => regain(options, desk),
    request: () => {
      metrics.waitingOrderSeconds.set(desk.waitingSeconds);
      return {
        agentId,
        pool: config.pool,
        runtime: runtime.name,
        labels: config.agentLabels ?? {},
        version: VERSION,
        capacity: desk.room.capacity,
        attempts: runner.claimed.slice(0, 10_000),
        decks: decks.unannounced.slice(0, 1_000),
        notes: runner.waiting.untold,
        draining: isDraining() || desk.isCordoned,
      };
    },
    onAnswer: ({ stop, settled, isCordoned }, told) => {
      decks.announced(told.decks);
      runner.waiting.told(told.notes);
      for (const id of settled) runner.settle(id);
      for (const id of stop) runner.stop(id);
      desk.cordon(isCordoned);
    },
  });
}

import {
  type AskedResources,
  type AttemptOrder,
  attemptToken,
  ORDER_INPUT_BYTES_MAX,
  type OrderKind,
} from "@skein/contracts";
import { markPublished, type PendingOrder } from "@skein/db";
import type { Lane, Queues } from "@skein/queue";
import type { Logger } from "@skein/telemetry";
import type { FindAsked } from "./asked-resources.ts";
import type { Pool } from "./database.ts";
import { countByProject } from "./fair-share.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import type { Values } from "./values.ts";

/** An order to give to the queue. What the caller has at hand saves a read. */
export interface Outgoing extends PendingOrder {
  readonly inputs?: Uint8Array | undefined;
  /** Null where its container asks for nothing, undefined where the caller does not know. */
  readonly asks?: AskedResources | null;
  /** The row of `commands` that is told once the queue has the order. */
  readonly commandId?: number;
}

export interface PublisherOptions {
  readonly pool: Pool;
  readonly queues: Queues;
  readonly values: Values;
  readonly findAsked: FindAsked;
  readonly secretKey: string;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
  /** Asks the publish loop for a round. */
  readonly onBacklog: () => void;
}

const MARK_EVERY_MS = 50;
const MARK_BATCH = 5_000;
/** How soon the publish loop looks for places that became free. */
const PROGRESS_MS = 50;

/** An order that starts nothing needs no slot, so it never waits behind one that does. */
export const laneOf = (kind: OrderKind): Lane => (kind === "echo" ? "instant" : "slot");
const keyOf = (pool: string, lane: Lane): string => `${pool}/${lane}`;
const laneKey = ({ pool, kind }: PendingOrder): string => keyOf(pool, laneOf(kind));

/** What the publish loop found in a lane of a pool. */
export interface LaneRoom {
  /** How many more orders may go out at once. 0 sends everything through the publish loop, which keeps their order. */
  readonly room: number;
  /** Projects that may not have any number of attempts under way: the publish loop counts theirs. */
  readonly limited: ReadonlySet<string>;
  /** Commands wait for a place that somebody else has. */
  readonly hasBacklog: boolean;
}

/**
 * Gives orders to the queue right after the commit that made them, as long as there is room in their pool's window;
 * what finds no room stays a row, and the publish loop takes it up. Only after the queue has an order is its row
 * told so, and a crash in between publishes it twice, which is harmless.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #lanes = new Map<string, { -readonly [Name in keyof LaneRoom]: LaneRoom[Name] }>();
  readonly #inFlight = new Map<number, Outgoing>();
  readonly #published = new Map<number, Outgoing>();
  #markTimer: NodeJS.Timeout | undefined;
  #progressTimer: NodeJS.Timeout | undefined;
  readonly #pending = new Set<Promise<void>>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Commands that are on their way, or whose rows are about to be told. */
  get busyCommands(): number[] {
    return [...this.#inFlight.keys(), ...this.#published.keys()];
  }

  /** How many of them each project has in the slots' lane of a pool: rows do not know of these yet. */
  busyIn(pool: string): ReadonlyMap<string, number> {
    const busy = [...this.#inFlight.values(), ...this.#published.values()];
    return countByProject(busy.filter((order) => order.pool === pool && order.kind !== "echo"));
  }

  setRoom(pool: string, lane: Lane, room: LaneRoom): void {
    this.#lanes.set(keyOf(pool, lane), { ...room });
  }

  /** Attempts began or ended, so there may be places for orders that wait. */
  progressed(): void {
    if (this.#progressTimer || ![...this.#lanes.values()].some(({ hasBacklog }) => hasBacklog)) return;
    this.#progressTimer = setTimeout(() => {
      this.#progressTimer = undefined;
      this.#options.onBacklog();
    }, PROGRESS_MS);
  }

  /** Publishes what there is room for, without making the caller wait. */
  publishSoon(orders: readonly Outgoing[]): void {
    const now: Outgoing[] = [];
    for (const order of orders) {
      const lane = this.#lanes.get(laneKey(order));
      if (lane && lane.room > 0 && !lane.limited.has(order.project)) {
        lane.room -= 1;
        now.push(order);
      }
    }
    if (now.length < orders.length) this.#options.onBacklog();
    if (now.length > 0) {
      // What failed is still a row: the publish loop tries again.
      const sending: Promise<void> = this.publish(now, "commit")
        .catch((error: unknown) => this.#options.logger.warn({ err: error }, "orders could not be published"))
        .finally(() => this.#pending.delete(sending));
      this.#pending.add(sending);
    }
  }

  /** Publishes all of them; rejects when the queue did not take them. */
  async publish(orders: readonly Outgoing[], why: "commit" | "backlog" | "again"): Promise<void> {
    const ofRows = orders.flatMap((order) =>
      order.commandId === undefined ? [] : [[order.commandId, order] as const],
    );
    for (const [id, order] of ofRows) this.#inFlight.set(id, order);
    try {
      const [inputs, asked] = await Promise.all([this.#inputsOf(orders), this.#askedBy(orders)]);
      const lanes = new Map<string, { pool: string; lane: Lane; orders: AttemptOrder[] }>();
      for (const [index, order] of orders.entries()) {
        const key = laneKey(order);
        const lane = lanes.get(key) ?? { pool: order.pool, lane: laneOf(order.kind), orders: [] };
        lanes.set(key, lane);
        lane.orders.push(this.#toOrder(order, inputs[index], asked[index]));
      }
      for (const lane of lanes.values()) {
        await this.#options.queues.publishOrders(lane.pool, lane.lane, lane.orders);
        this.#options.metrics.published.inc({ pool: lane.pool, why }, lane.orders.length);
      }
      for (const [id, order] of ofRows) this.#published.set(id, order);
      this.#markSoon();
    } finally {
      for (const [id] of ofRows) this.#inFlight.delete(id);
    }
  }

  /** Waits for what is on its way and tells the rows of what was published. */
  async close(): Promise<void> {
    clearTimeout(this.#progressTimer);
    await Promise.all(this.#pending);
    clearTimeout(this.#markTimer);
    await this.tellRows();
  }

  /** Tells the rows of what was published. Rows that could not be told stay busy and are told later. */
  async tellRows(): Promise<void> {
    clearTimeout(this.#markTimer);
    this.#markTimer = undefined;
    const batch = [...this.#published].slice(0, MARK_BATCH);
    if (batch.length === 0) return;
    try {
      const orders = batch.map(([, order]) => order);
      await markPublished(this.#options.pool, orders);
      for (const [id] of batch) this.#published.delete(id);
    } catch (error) {
      this.#options.logger.warn({ err: error }, "rows of published orders could not be written yet");
    }
    if (this.#published.size > 0) this.#markSoon();
  }

  /** Large inputs of an order that an agent claims do not travel with it, so the store is not asked for them. */
  async #inputsOf(orders: readonly Outgoing[]): Promise<(Uint8Array | undefined)[]> {
    const missing = orders.filter(({ inputs }) => inputs === undefined);
    if (missing.length === 0) return orders.map(({ inputs }) => inputs);
    const refOf = ({ id }: Outgoing) => ({ runId: id.runId, ordinal: id.ordinal, side: "inputs" as const });
    const instant = missing.filter(({ kind }) => kind === "echo");
    const claimed = missing.filter(({ kind }) => kind !== "echo");
    const found = await Promise.all([
      this.#options.values.load(instant.map(refOf)),
      this.#options.values.loadSmall(claimed.map(refOf)),
    ]);
    const inputs = found.flat();
    const byOrder = new Map([...instant, ...claimed].map((order, index) => [order, inputs[index]]));
    return orders.map((order) => order.inputs ?? byOrder.get(order));
  }

  async #askedBy(orders: readonly Outgoing[]): Promise<(AskedResources | null | undefined)[]> {
    const unknown = orders.filter(({ kind, asks }) => kind !== "echo" && asks === undefined);
    if (unknown.length === 0) return orders.map(({ asks }) => asks);
    const found = await this.#options.findAsked(unknown.map(({ id }) => id));
    const byOrder = new Map(unknown.map((order, index) => [order, found[index]]));
    return orders.map((order) => order.asks ?? byOrder.get(order));
  }

  #toOrder(
    { id, kind, shard }: Outgoing,
    inputs: Uint8Array | undefined,
    asked: AskedResources | null | undefined,
  ): AttemptOrder {
    const token = attemptToken(this.#options.secretKey, id);
    const order = { ...id, kind, shard, token, ...(asked ? { resources: asked } : {}) };
    const travels = inputs !== undefined && (kind === "echo" || inputs.length <= ORDER_INPUT_BYTES_MAX);
    return travels ? { ...order, inputs: Buffer.from(inputs).toString("base64") } : order;
  }

  #markSoon(): void {
    this.#markTimer ??= setTimeout(() => void this.tellRows(), MARK_EVERY_MS);
  }
}

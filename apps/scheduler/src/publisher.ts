import {
  type AskedResources,
  type AttemptOrder,
  attemptToken,
  ORDER_INPUT_BYTES_MAX,
  type OrderKind,
} from "@skein/contracts";
import { deleteCommands, type PendingOrder } from "@skein/db";
import type { Lane, Queues } from "@skein/queue";
import type { Logger } from "@skein/telemetry";
import type { FindAsked } from "./asked-resources.ts";
import type { Pool } from "./database.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import type { Values } from "./values.ts";

/** An order to give to the queue. What the caller has at hand saves a read. */
export interface Outgoing extends PendingOrder {
  readonly inputs?: Uint8Array | undefined;
  /** Null where its container asks for nothing, undefined where the caller does not know. */
  readonly asks?: AskedResources | null;
  /** The row of `commands` to delete once the queue has the order. */
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

const DELETE_EVERY_MS = 50;
const DELETE_BATCH = 5_000;

/** An order that starts nothing needs no slot, so it never waits behind one that does. */
export const laneOf = (kind: OrderKind): Lane => (kind === "echo" ? "instant" : "slot");
const laneKey = ({ pool, kind }: PendingOrder): string => `${pool}/${laneOf(kind)}`;

/**
 * Gives orders to the queue right after the commit that made them, as long as there is room in their pool's window;
 * what finds no room stays a row, and the publish loop takes it up. Only after the queue has an order is its row
 * deleted, so a crash in between publishes it twice, which is harmless.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #room = new Map<string, number>();
  readonly #inFlight = new Set<number>();
  #published: number[] = [];
  #deleteTimer: NodeJS.Timeout | undefined;
  readonly #pending = new Set<Promise<void>>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Commands that are on their way, or whose rows are about to be deleted. */
  get busyCommands(): number[] {
    return [...this.#inFlight, ...this.#published];
  }

  /** How many more orders may go out at once. 0 sends everything through the publish loop, which keeps their order. */
  setRoom(pool: string, lane: Lane, room: number): void {
    this.#room.set(`${pool}/${lane}`, Math.max(0, room));
  }

  /** Publishes what there is room for, without making the caller wait. */
  publishSoon(orders: readonly Outgoing[]): void {
    const now: Outgoing[] = [];
    for (const order of orders) {
      const key = laneKey(order);
      const room = this.#room.get(key) ?? 0;
      if (room > 0) {
        this.#room.set(key, room - 1);
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
    const commandIds = orders.flatMap(({ commandId }) => (commandId === undefined ? [] : [commandId]));
    for (const id of commandIds) this.#inFlight.add(id);
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
      this.#published.push(...commandIds);
      this.#deleteSoon();
    } finally {
      for (const id of commandIds) this.#inFlight.delete(id);
    }
  }

  /** Waits for what is on its way and deletes the rows of what was published. */
  async close(): Promise<void> {
    await Promise.all(this.#pending);
    clearTimeout(this.#deleteTimer);
    await this.#deletePublished();
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

  #deleteSoon(): void {
    this.#deleteTimer ??= setTimeout(() => void this.#deletePublished(), DELETE_EVERY_MS);
  }

  async #deletePublished(): Promise<void> {
    clearTimeout(this.#deleteTimer);
    this.#deleteTimer = undefined;
    const ids = this.#published.slice(0, DELETE_BATCH);
    if (ids.length === 0) return;
    try {
      await deleteCommands(this.#options.pool, ids);
      this.#published.splice(0, ids.length);
    } catch (error) {
      this.#options.logger.warn({ err: error }, "published commands could not be deleted yet");
    }
    if (this.#published.length > 0) this.#deleteSoon();
  }
}

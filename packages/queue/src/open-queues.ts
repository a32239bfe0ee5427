import { AttemptOrder, AttemptReport, attemptKey } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import type { Backend, NewParcel, Parcel, ParcelJob, ParcelProcessor, ParcelQueue, ParcelWorker } from "./backend.ts";
import { type OrderTaker, type Place, QueueOrderTaker } from "./order-taker.ts";
import { ReportSender } from "./report-sender.ts";

/** Two lanes per pool, so that an order that starts nothing never waits behind one that needs a slot. */
export type Lane = "instant" | "slot";

export interface QueuesOptions {
  /** Redis or Valkey. Wins over `postgresUrl`. */
  readonly redisUrl?: string | undefined;
  /** The queue's own database, when there is no Redis. */
  readonly postgresUrl?: string | undefined;
  /** In front of every name: two installations can share a server. */
  readonly prefix: string;
  /** Hears of lost connections and of messages that cannot be read. They are repaired without the listener's help. */
  readonly onError: (error: Error) => void;
  /** How long the first connection may take. */
  readonly connectTimeoutMs?: number;
}

export interface Consumer {
  /** Takes nothing more, waits for handlers in progress for a moment, and lets go of its connection. */
  close(): Promise<void>;
}

/**
 * The only door to BullMQ. All delivery is at least once, in no promised order, and may be lost with the whole queue:
 * the truth is in Postgres, and the scheduler publishes again what got lost.
 */
export interface Queues {
  /** Rejects when the queue did not take all of them; publishing again is harmless. */
  publishOrders(pool: string, lane: Lane, orders: readonly AttemptOrder[]): Promise<void>;
  /** Up to `concurrency` handlers at once. An order is done when its handler ends, well or not. */
  consumeInstant(
    pool: string,
    options: { readonly concurrency: number },
    handler: (order: AttemptOrder) => Promise<void>,
  ): Promise<Consumer>;
  openOrderTaker(pool: string): Promise<OrderTaker>;
  /** Rejects when the queue did not take them: keep and send them again. */
  sendReports(shard: number, reports: readonly AttemptReport[]): Promise<void>;
  /** Reports are delivered again unless the handler resolves; it should do so after its commit. */
  consumeReports(shard: number, handler: (reports: readonly AttemptReport[]) => Promise<void>): Promise<Consumer>;
  /** Resolves when the queue's server answers; rejects within seconds when it does not. */
  check(): Promise<void>;
  /** Ends all consumers and connections, within seconds even when the server is away. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;
const CHECK_TIMEOUT_MS = 2_000;
/** An echo costs microseconds; a job of its own for each would cost a round trip. */
const INSTANT_ORDERS_PER_JOB = 25;
const REPORT_JOBS_IN_FLIGHT = 200;
/** A handler that fails says that the database is away: the report waits for it. */
const REPORT_OPTIONS = { attempts: 1_000_000, backoff: { type: "fixed", delay: 300 } };

/** Connects to the queue's database; fails with `unavailable` when it does not answer. */
export async function openQueues(options: QueuesOptions): Promise<Queues> {
  const backend = await openBackend(options);
  return new BullQueues(backend, options);
}

async function openBackend(options: QueuesOptions): Promise<Backend> {
  const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const what = options.redisUrl === undefined ? "Postgres" : "Redis";
  try {
    // Only the client that is used is loaded.
    if (options.redisUrl !== undefined) {
      const { openRedisBackend } = await import("./redis-backend.ts");
      return await openRedisBackend(options.redisUrl, options.prefix, timeoutMs, options.onError);
    }
    if (options.postgresUrl !== undefined) {
      const { openPostgresBackend } = await import("./postgres-backend.ts");
      return await openPostgresBackend(options.postgresUrl, timeoutMs, options.onError);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SkeinError(
      "unavailable",
      "queue_unavailable",
      `cannot reach the queue on ${what}: ${reason}. Start it, or correct REDIS_URL or SKEIN_QUEUE_DATABASE_URL`,
      { cause: error },
    );
  }
  throw new SkeinError("invalid_argument", "queue_not_configured", "the queue needs REDIS_URL or a Postgres database");
}

class BullQueues implements Queues {
  readonly #backend: Backend;
  readonly #options: QueuesOptions;
  readonly #queues = new Map<string, ParcelQueue>();
  readonly #senders = new Map<number, ReportSender>();
  readonly #consumers = new Set<Consumer>();
  #closing: Promise<void> | undefined;

  constructor(backend: Backend, options: QueuesOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  async publishOrders(pool: string, lane: Lane, orders: readonly AttemptOrder[]): Promise<void> {
    if (orders.length === 0) return;
    const size = lane === "instant" ? INSTANT_ORDERS_PER_JOB : 1;
    const jobs: NewParcel[] = [];
    for (let at = 0; at < orders.length; at += size) {
      const items = orders.slice(at, at + size);
      const [only] = items;
      // An attempt published twice is one job, as long as the first one waits.
      const opts = items.length === 1 && only ? { jobId: attemptKey(only) } : {};
      jobs.push({ name: "orders", data: { items }, opts });
    }
    const queue = this.#queue(this.#orderQueueName(pool, lane));
    const [first] = jobs;
    if (jobs.length === 1 && first) await queue.add(first.name, first.data, first.opts);
    else await queue.addBulk(jobs);
  }

  async consumeInstant(
    pool: string,
    options: { readonly concurrency: number },
    handler: (order: AttemptOrder) => Promise<void>,
  ): Promise<Consumer> {
    const processor = async (job: ParcelJob) => {
      const orders = this.#readAll(job.data, readOrder);
      await Promise.all(orders.map((order) => handler(order).catch(this.#options.onError)));
    };
    return this.#consume(this.#orderQueueName(pool, "instant"), processor, options.concurrency);
  }

  async openOrderTaker(pool: string): Promise<OrderTaker> {
    const worker = this.#openWorker(this.#orderQueueName(pool, "slot"), { concurrency: 1, processor: null });
    await this.#whenReady(worker);
    const read = (parcel: Parcel) => this.#readAll(parcel, readOrder)[0];
    const queue = this.#queue(this.#orderQueueName(pool, "slot"));
    const add = async (order: AttemptOrder, place: Place): Promise<void> => {
      await queue.add("orders", { items: [order] }, { jobId: attemptKey(order), lifo: place === "first" });
    };
    const taker = new QueueOrderTaker(worker, read, add, this.#options.onError);
    return this.#track(() => taker.close(), { take: (signal: AbortSignal) => taker.take(signal) });
  }

  sendReports(shard: number, reports: readonly AttemptReport[]): Promise<void> {
    let sender = this.#senders.get(shard);
    if (!sender) {
      const queue = this.#queue(this.#reportQueueName(shard));
      sender = new ReportSender(async (items) => {
        await queue.add("reports", { items }, REPORT_OPTIONS);
      });
      this.#senders.set(shard, sender);
    }
    return sender.send(reports);
  }

  consumeReports(shard: number, handler: (reports: readonly AttemptReport[]) => Promise<void>): Promise<Consumer> {
    const processor = async (job: ParcelJob) => {
      const reports = this.#readAll(job.data, readReport);
      if (reports.length > 0) await handler(reports);
    };
    return this.#consume(this.#reportQueueName(shard), processor, REPORT_JOBS_IN_FLIGHT);
  }

  async check(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const error = new SkeinError("unavailable", "queue_silent", `the queue did not answer in ${CHECK_TIMEOUT_MS} ms`);
      timer = setTimeout(() => reject(error), CHECK_TIMEOUT_MS);
    });
    await Promise.race([this.#backend.ping(), timeout]).finally(() => clearTimeout(timer));
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
      await Promise.all([...this.#queues.values()].map((queue) => this.#within(queue.close())));
      await this.#within(this.#backend.close());
    })();
    return this.#closing;
  }

  #orderQueueName(pool: string, lane: Lane): string {
    return `${this.#options.prefix}-pool-${pool}-${lane}`;
  }

  #reportQueueName(shard: number): string {
    return `${this.#options.prefix}-reports-${shard}`;
  }

  #queue(name: string): ParcelQueue {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = this.#backend.openQueue(name);
      queue.on("error", this.#options.onError);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  #openWorker(name: string, settings: Parameters<Backend["openWorker"]>[1]): ParcelWorker {
    const worker = this.#backend.openWorker(name, settings);
    worker.on("error", this.#options.onError);
    return worker;
  }

  async #whenReady(worker: ParcelWorker): Promise<void> {
    try {
      await worker.waitUntilReady();
    } catch (error) {
      await this.#within(worker.close(true));
      throw error;
    }
  }

  async #consume(name: string, handle: ParcelProcessor, concurrency: number): Promise<Consumer> {
    const active = new Set<Promise<void>>();
    const processor = (job: ParcelJob): Promise<void> => {
      const handling: Promise<void> = handle(job).finally(() => active.delete(handling));
      active.add(handling);
      return handling;
    };
    const worker = this.#openWorker(name, { concurrency, processor });
    await this.#whenReady(worker);
    return this.#track(async () => {
      await worker.pause(true);
      await this.#within(Promise.allSettled(active).then(() => undefined));
      // By force when handlers are left: their jobs are locked no longer and go to another consumer.
      await worker.close(active.size > 0);
    }, {});
  }

  #track<T extends object>(close: () => Promise<void>, rest: T): T & Consumer {
    let closing: Promise<void> | undefined;
    const consumer = {
      ...rest,
      close: () => {
        this.#consumers.delete(consumer);
        closing ??= this.#within(close(), 2 * CLOSE_TIMEOUT_MS);
        return closing;
      },
    };
    this.#consumers.add(consumer);
    return consumer;
  }

  /** A server that is away must not hold up the end of a process. */
  async #within(work: Promise<void>, timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([work.catch(this.#options.onError), timeout]);
    clearTimeout(timer);
  }

  #readAll<T>(parcel: Parcel, read: (item: unknown) => T | undefined): T[] {
    const items: T[] = [];
    for (const item of Array.isArray(parcel?.items) ? parcel.items : []) {
      const value = read(item);
      if (value === undefined)
        this.#options.onError(new Error("the queue delivered a message that is neither an order nor a report"));
      else items.push(value);
    }
    return items;
  }
}

const readOrder = (item: unknown): AttemptOrder | undefined => AttemptOrder.safeParse(item).data;
const readReport = (item: unknown): AttemptReport | undefined => AttemptReport.safeParse(item).data;

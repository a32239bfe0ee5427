import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { type Backend, jobDefaults, type Parcel, workerTimings } from "./backend.ts";

/** BullMQ on Redis or Valkey. Resolves when both connections are ready; rejects when they are not within `timeoutMs`. */
export async function openRedisBackend(
  url: string,
  prefix: string,
  timeoutMs: number,
  onError: (error: Error) => void,
): Promise<Backend> {
  const shared = {
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1_000),
    connectTimeout: 5_000,
    maxRetriesPerRequest: null,
  };
  // A producer must hear at once that Redis is away: its orders and reports are kept elsewhere and sent again.
  const producer = new Redis(url, { ...shared, enableOfflineQueue: false });
  const consumer = new Redis(url, shared);
  for (const client of [producer, consumer]) client.on("error", onError);
  const disconnect = () => {
    producer.disconnect();
    consumer.disconnect();
  };
  try {
    await Promise.all([whenReady(producer, timeoutMs), whenReady(consumer, timeoutMs)]);
  } catch (error) {
    disconnect();
    throw error;
  }
  return {
    openQueue: (name) =>
      new Queue<Parcel>(name, {
        connection: producer,
        prefix,
        defaultJobOptions: jobDefaults,
        streams: { events: { maxLen: 100 } },
      }),
    openWorker: (name, { concurrency, processor }) =>
      new Worker<Parcel>(name, processor, {
        ...workerTimings,
        connection: consumer,
        prefix,
        concurrency,
      }),
    ping: async () => {
      await producer.ping();
    },
    close: async () => disconnect(),
  };
}

/** A refused connection is tried again: the server may be about to start. What it said last is what people need to hear. */
function whenReady(client: Redis, timeoutMs: number): Promise<void> {
  if (client.status === "ready") return Promise.resolve();
  return new Promise((resolve, reject) => {
    let lastError: Error | undefined;
    const onError = (error: Error) => {
      lastError = error;
    };
    const timer = setTimeout(() => {
      client.off("ready", onReady).off("error", onError);
      const why = lastError ? ` (${lastError.message})` : "";
      reject(new Error(`no answer within ${timeoutMs} ms${why}`, { cause: lastError }));
    }, timeoutMs);
    const onReady = () => {
      clearTimeout(timer);
      client.off("error", onError);
      resolve();
    };
    client.once("ready", onReady).on("error", onError);
  });
}

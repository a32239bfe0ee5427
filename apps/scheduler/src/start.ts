import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { EVENTS_CHANNEL, ensureShards, migrate, openDb, openListener, openNotifier } from "@skein/db";
import { openQueues } from "@skein/queue";
import { openStorage, storeOptions } from "@skein/storage";
import { createMetrics, type Logger, type Metrics, openLogger, openMetricsServer } from "@skein/telemetry";
import type { SchedulerConfig } from "./config.ts";
import { Health } from "./health.ts";
import { createSchedulerMetrics } from "./metrics.ts";
import { startRing } from "./ring.ts";

/** What an all-in-one process shares with its scheduler. */
export interface SchedulerDependencies {
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export interface Scheduler {
  /** Shards served now. */
  readonly ownedShards: () => readonly number[];
  /** Finishes commits in flight, gives the shards back and lets go of every connection. */
  close(): Promise<void>;
}

const DB_CONNECTIONS = 10;
const SHARDS_WITH_REDIS = 8;

/** Starts a scheduler. Rejects when the database, the queue or the storage cannot be used. */
export async function startScheduler(
  config: SchedulerConfig,
  dependencies: SchedulerDependencies = {},
): Promise<Scheduler> {
  const logger = dependencies.logger ?? openLogger({ name: "scheduler", level: config.logLevel });
  const registry = dependencies.metrics ?? createMetrics();
  const owner = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const opened: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const closeOne of opened.splice(0).reverse()) await closeOne();
  };
  try {
    await migrate(config.databaseUrl);
    const database = openDb(config.databaseUrl, { max: DB_CONNECTIONS, applicationName: "skein-scheduler" });
    opened.push(() => database.close());
    const { db, pool } = database;
    await ensureShards(pool, config.shards ?? (config.redisUrl === undefined ? 1 : SHARDS_WITH_REDIS));
    const storage = await openStorage(storeOptions(config));
    opened.push(() => storage.close());
    const queues = await openQueues({
      redisUrl: config.redisUrl,
      postgresUrl: config.queueDatabaseUrl ?? config.databaseUrl,
      prefix: config.queuePrefix,
      onError: (error) => logger.warn({ err: error }, "the queue reported an error"),
    });
    opened.push(() => queues.close());
    const notifier = openNotifier(pool);
    opened.push(() => notifier.close());
    const metrics = createSchedulerMetrics(registry);
    const health = new Health();
    const ring = await startRing({ config, owner, db, pool, queues, storage, notifier, logger, metrics, health });
    opened.push(() => ring.close());
    const listener = await openListener(config.databaseUrl, [EVENTS_CHANNEL], () => ring.onEvents());
    opened.push(() => listener.close());
    if (config.metricsPort !== undefined) {
      const { metricsHost: host, metricsPort: port } = config;
      const answers = { problem: () => health.problem(), stuck: () => health.stuck() };
      const server = await openMetricsServer({ host, port, metrics: registry, ...answers });
      opened.push(() => server.close());
    }
    logger.info({ owner, queue: config.redisUrl === undefined ? "postgres" : "redis" }, "scheduler started");
    return { ownedShards: ring.ownedShards, close };
  } catch (error) {
    await close();
    throw error;
  }
}

import { createPostgresBackend, Queue, runMigrations, Worker } from "bullmq";
import { Pool } from "pg";
import { type Backend, jobDefaults, workerTimings } from "./backend.ts";
import { patientPool } from "./patient-pool.ts";

const SCHEMA = "bullmq";
const POOL_MIN = 6;

/** BullMQ in a Postgres schema of its own, made or migrated here; one pool for everything this process does with it. */
export async function openPostgresBackend(
  url: string,
  timeoutMs: number,
  onError: (error: Error) => void,
): Promise<Backend> {
  const pool = new Pool({
    connectionString: url,
    max: POOL_MIN,
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    application_name: "skein-queue",
    // The queue is a hint that may be lost at any moment, so nobody has to wait for the disk.
    options: `-c search_path=${SCHEMA} -c synchronous_commit=off`,
  });
  pool.on("error", onError);
  try {
    const client = await pool.connect();
    try {
      await runMigrations(client, SCHEMA);
    } finally {
      client.release();
    }
  } catch (error) {
    await pool.end();
    throw error;
  }
  const connection = patientPool(pool);
  return {
    openQueue: (name) => new Queue(name, { connection, defaultJobOptions: jobDefaults }, createPostgresBackend),
    openWorker: (name, { concurrency, processor }) => {
      // Each worker keeps one connection for LISTEN.
      pool.options.max += 1;
      const worker = new Worker(name, processor, { ...workerTimings, connection, concurrency }, createPostgresBackend);
      worker.once("closed", () => {
        pool.options.max -= 1;
      });
      return worker;
    },
    ping: async () => {
      await pool.query("select 1");
    },
    close: () => pool.end(),
  };
}

import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";

/** Drizzle over the pool: each statement may use another connection. `$client` is the pool, for prepared statements. */
export type Db = NodePgDatabase<Record<string, never>> & { readonly $client: pg.Pool };

/** Drizzle inside one transaction. */
export type Tx = Parameters<Parameters<Db["transaction"]>[0]>[0];

export interface OpenDb {
  readonly db: Db;
  /** For statements that drizzle cannot say. Same connections as `db`. */
  readonly pool: pg.Pool;
  /** Waits for running statements, then ends the connections. */
  close(): Promise<void>;
}

/** A server that takes connections and says nothing must not hold callers for ever; a burst may wait this long for its turn. */
const CONNECT_TIMEOUT_MS = 15_000;

/** Opens a pool of at most `max` connections; they are made when first needed, so a wrong url shows in the first statement. */
export function openDb(url: string, options: { max: number; applicationName?: string }): OpenDb {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.applicationName ?? "skein",
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // An idle connection that breaks is dropped by the pool; without a listener Node would end the process.
  pool.on("error", () => {});
  return { db: drizzle({ client: pool, casing: "snake_case" }), pool, close: () => pool.end() };
}

import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as applyMigrations } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { ensureHistoryPartitions } from "./history-partitions.ts";

const MIGRATIONS_FOLDER = fileURLToPath(new URL("../migrations", import.meta.url));

/** Any number works, as long as every release of Skein takes the same one. */
const MIGRATION_LOCK = 7_594_315_217;

/**
 * Brings the database at `url` to this release's schema and makes the coming months' history partitions. Processes
 * that start together take turns by an advisory lock; who comes later finds nothing left to do.
 */
export async function migrate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: "skein-migrate" });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await client.query("set client_min_messages = warning");
    const db = drizzle({ client });
    await applyMigrations(db, { migrationsFolder: MIGRATIONS_FOLDER });
    await ensureHistoryPartitions(db);
  } finally {
    await client.end();
  }
}

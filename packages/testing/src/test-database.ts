import { randomBytes } from "node:crypto";
import { type Db, migrate, openDb } from "@skein/db";
import pg from "pg";
import { waitFor } from "./wait-for.ts";

/** How the global setup tells its server to the workers: the environment crosses process borders. */
const SERVER_VARIABLE = "SKEIN_TEST_POSTGRES";
const TEMPLATE_VARIABLE = "SKEIN_TEST_POSTGRES_TEMPLATE";

async function inMaintenance<T>(serverUrl: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: serverUrl, application_name: "skein-testing" });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

const urlOf = (serverUrl: string, database: string): string => {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
};

const freshName = (): string => `skein_test_${process.pid}_${randomBytes(4).toString("hex")}`;

/** Makes the migrated database that test databases are cloned from, and offers it to this process and its children. */
export async function offerTemplate(serverUrl: string): Promise<{ close(): Promise<void> }> {
  const template = `${freshName()}_template`;
  await inMaintenance(serverUrl, (client) => client.query(`create database ${template}`));
  await migrate(urlOf(serverUrl, template));
  process.env[SERVER_VARIABLE] = serverUrl;
  process.env[TEMPLATE_VARIABLE] = template;
  return {
    close: async () => {
      delete process.env[SERVER_VARIABLE];
      delete process.env[TEMPLATE_VARIABLE];
      await inMaintenance(serverUrl, (client) => client.query(`drop database if exists ${template} with (force)`));
    },
  };
}

/** Whether a global setup of this test run, or of the run that started us, already offers a server. */
export const isTemplateOffered = (): boolean => process.env[SERVER_VARIABLE] !== undefined;

export interface TestDatabase {
  readonly url: string;
  readonly db: Db;
  readonly pool: pg.Pool;
  /** Drops the database. Throws when somebody else is still connected: a test must close what it opened. */
  close(): Promise<void>;
}

/**
 * A private, migrated database, cloned from the template of the test run; `empty` gives one without Skein's schema.
 * Works in vitest projects whose globalSetup is `packages/testing/src/global-setup.ts`.
 */
export async function createTestDatabase(options: { empty?: boolean; max?: number } = {}): Promise<TestDatabase> {
  const serverUrl = process.env[SERVER_VARIABLE];
  const template = process.env[TEMPLATE_VARIABLE];
  if (serverUrl === undefined || template === undefined) {
    throw new Error("no Postgres is offered: name the file x.it.test.ts, so that vitest runs it in a project with one");
  }
  const name = freshName();
  const source = options.empty ? "template0" : template;
  await inMaintenance(serverUrl, (client) => client.query(`create database ${name} template ${source}`));
  const url = urlOf(serverUrl, name);
  const { db, pool, close } = openDb(url, { max: options.max ?? 5, applicationName: "skein-test-database" });
  return {
    url,
    db,
    pool,
    close: async () => {
      await close();
      const left = await connectionsLeft(serverUrl, name);
      await inMaintenance(serverUrl, (client) => client.query(`drop database ${name} with (force)`));
      if (left.length > 0) throw new Error(`the test left connections open to its database: ${left.join(", ")}`);
    },
  };
}

/** Who is still connected after a second of grace: Postgres needs a moment to notice a closed socket. */
async function connectionsLeft(serverUrl: string, database: string): Promise<string[]> {
  return inMaintenance(serverUrl, async (client) => {
    const connected = async () => {
      const { rows } = await client.query<{ application_name: string }>(
        "select application_name from pg_stat_activity where datname = $1 and backend_type = 'client backend'",
        [database],
      );
      return rows.map((row) => row.application_name || "unnamed");
    };
    try {
      await waitFor(async () => (await connected()).length === 0, { timeoutMs: 1_000 });
      return [];
    } catch {
      return connected();
    }
  });
}

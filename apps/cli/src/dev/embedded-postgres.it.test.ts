import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { openHome } from "./home.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newHome(): string {
  const path = mkdtempSync(join(tmpdir(), "skein-home-"));
  folders.push(path);
  return path;
}

async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Starts Postgres for `path` in a process of its own and answers once it is ready. */
async function startElsewhere(path: string): Promise<{ child: ChildProcess; databaseUrl: string }> {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const script = `
    import { openHome } from "${here}home.ts";
    import { startEmbeddedPostgres } from "${here}embedded-postgres.ts";
    const home = openHome(process.argv[1]);
    const postgres = await startEmbeddedPostgres(home.path, home.secrets);
    console.log(postgres.databaseUrl);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [chunk] = await once(child.stdout as NodeJS.ReadableStream, "data");
  return { child, databaseUrl: String(chunk).trim() };
}

test("data outlives a stop, and the queue's role opens only the queue's database", async () => {
  const home = openHome(newHome());
  const first = await startEmbeddedPostgres(home.path, home.secrets);
  await query(first.databaseUrl, "create table kept as select 1 as one");
  expect(await query(first.queueDatabaseUrl, "select current_user")).toEqual([{ current_user: "skein_queue" }]);
  const sneaky = new URL(first.queueDatabaseUrl);
  for (const database of ["skein", "postgres"]) {
    sneaky.pathname = database;
    await expect(query(sneaky.href, "select 1")).rejects.toThrow("permission denied for database");
  }
  await first.close();
  await expect(query(first.databaseUrl, "select 1")).rejects.toThrow("ECONNREFUSED");
  const second = await startEmbeddedPostgres(home.path, home.secrets);
  expect(await query(second.databaseUrl, "select one from kept")).toEqual([{ one: 1 }]);
  await second.close();
  home.release();
});

test("after a kill -9 the next start ends the Postgres that was left and keeps its data", async () => {
  const path = newHome();
  const { child, databaseUrl } = await startElsewhere(path);
  await query(databaseUrl, "create table kept as select 1 as one");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await query(databaseUrl, "select one from kept")).toEqual([{ one: 1 }]);

  const home = openHome(path);
  const postgres = await startEmbeddedPostgres(home.path, home.secrets);
  await expect(query(databaseUrl, "select 1")).rejects.toThrow("ECONNREFUSED");
  expect(await query(postgres.databaseUrl, "select one from kept")).toEqual([{ one: 1 }]);
  await postgres.close();
  home.release();
});

test("a home is held by one process at a time, and its secrets are for its owner", async () => {
  const path = newHome();
  const { child } = await startElsewhere(path);
  expect(() => openHome(path)).toThrow(`process ${child.pid}`);
  child.kill("SIGKILL");
  await once(child, "exit");
  const home = openHome(path);
  expect(statSync(join(path, "secrets.json")).mode & 0o077).toBe(0);
  expect(readFileSync(join(path, "secrets.json"), "utf8")).toContain(home.secrets.secretKey);
  const postgres = await startEmbeddedPostgres(home.path, home.secrets);
  await postgres.close();
  home.release();
  expect(existsSync(join(path, "dev.pid"))).toBe(false);
});

test("a Postgres that ends on its own is noticed", async () => {
  const home = openHome(newHome());
  const postgres = await startEmbeddedPostgres(home.path, home.secrets);
  const admin = new URL(postgres.databaseUrl);
  admin.username = "postgres";
  admin.password = home.secrets.postgresPassword;
  admin.pathname = "postgres";
  const [row] = await query<{ pid: number }>(
    admin.href,
    "select split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int as pid",
  );
  process.kill(row?.pid ?? 0, "SIGINT");
  await postgres.ended;
  await postgres.close();
  home.release();
});

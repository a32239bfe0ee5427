import { readApiConfig, signAgentToken, startApi } from "@skein/api/start";
import type { Environment } from "@skein/config";
import { migrate } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { readSchedulerConfig, startScheduler } from "@skein/scheduler";
import { agentEnvironment } from "./agent-environment.ts";
import { startAgentProcess } from "./agent-process.ts";
import type { DevConfig } from "./dev-config.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { isPortFree } from "./free-port.ts";
import { type Home, homePath, openHome } from "./home.ts";
import { hasMasterKey, masterKeyFile } from "./master-key-file.ts";

/** A whole Skein in one process, with its agent as a child. */
export interface Dev {
  readonly url: string;
  /** `host:port` for Flyte's clients. */
  readonly grpcAddress: string;
  readonly storage: string;
  readonly home: string;
  /** Settles with a reason when a part that nothing replaces ends on its own. */
  readonly failed: Promise<string>;
  /** Stops everything, the agent first and Postgres last. */
  close(): Promise<void>;
}

const AGENT_TOKEN_SECONDS = 365 * 24 * 3600;

/**
 * Starts Skein with everything it lacks embedded: Postgres, the queue in a second database, files. Whatever is named in
 * `environment` (DATABASE_URL, REDIS_URL, SKEIN_STORAGE, …) replaces the embedded part.
 */
export async function startDev(config: DevConfig, environment: Environment): Promise<Dev> {
  await requirePorts(config);
  const home = openHome(homePath(config.home));
  const closers: (() => Promise<void> | void)[] = [() => home.release()];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
  };
  try {
    const postgres = config.databaseUrl ? undefined : await startEmbeddedPostgres(home.path, home.secrets);
    if (postgres) closers.push(() => postgres.close());
    const url = `http://${config.host}:${config.port}`;
    const own = serverEnvironment(config, environment, home, postgres);
    await migrate(own.DATABASE_URL);
    const scheduler = await startScheduler(readSchedulerConfig(own));
    closers.push(() => scheduler.close());
    const api = await startApi(readApiConfig(own), { environment });
    closers.push(() => api.close());
    const agent = await startAgentProcess(home, await environmentOfAgent(config, own, url, home));
    closers.push(() => agent.close());
    return {
      url,
      grpcAddress: `${config.host}:${config.grpcPort === "off" ? config.port : config.grpcPort}`,
      storage: own.SKEIN_STORAGE,
      home: home.path,
      failed: failureOf(postgres),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function requirePorts({ host, port, grpcPort }: DevConfig): Promise<void> {
  const wanted = [
    { port, variable: "--port or SKEIN_PORT" },
    ...(grpcPort === "off" ? [] : [{ port: grpcPort, variable: "SKEIN_GRPC_PORT (or off)" }]),
  ];
  for (const one of wanted) {
    if (await isPortFree(one.port, host)) continue;
    const message = `Port ${one.port} on ${host} is in use. Is Skein running already? Choose another with ${one.variable}.`;
    throw new SkeinError("failed_precondition", "port_taken", message);
  }
}

/** What api and scheduler read: the given environment with the embedded parts filled in. */
function serverEnvironment(
  config: DevConfig,
  environment: Environment,
  home: Home,
  postgres: EmbeddedPostgres | undefined,
) {
  const queue = config.queueDatabaseUrl ?? postgres?.queueDatabaseUrl;
  return {
    ...environment,
    DATABASE_URL: config.databaseUrl ?? postgres?.databaseUrl ?? "",
    ...(!config.redisUrl && queue && { SKEIN_QUEUE_DATABASE_URL: queue }),
    SKEIN_STORAGE: config.storage ?? `file://${home.folder("storage")}`,
    SKEIN_SECRET_KEY: config.secretKey ?? home.secrets.secretKey,
    ...(hasMasterKey(environment) ? {} : { SKEIN_SECRETS_KEY_FILE: masterKeyFile(home) }),
    SKEIN_HOST: config.host,
    SKEIN_PORT: String(config.port),
    SKEIN_GRPC_PORT: String(config.grpcPort),
    SKEIN_LOG_LEVEL: config.logLevel,
  };
}

/** Here people try out what is meant for larger machines: what a task asks for keeps it from nothing, unless told. */
const UNLIMITED = { SKEIN_AGENT_CPU: "unlimited", SKEIN_AGENT_MEMORY: "unlimited", SKEIN_AGENT_GPUS: "unlimited" };

async function environmentOfAgent(
  config: DevConfig,
  own: ReturnType<typeof serverEnvironment>,
  url: string,
  home: Home,
): Promise<Record<string, string>> {
  const { pool } = config;
  const agentId = "dev";
  const lifetimeSeconds = AGENT_TOKEN_SECONDS;
  // Without Redis the queue is in Postgres; where the user named only DATABASE_URL it is in that very database.
  const queue = config.redisUrl ? {} : { SKEIN_QUEUE_DATABASE_URL: own.SKEIN_QUEUE_DATABASE_URL ?? own.DATABASE_URL };
  return agentEnvironment(
    { ...UNLIMITED, ...own },
    {
      ...queue,
      SKEIN_API_URL: url,
      SKEIN_AGENT_ID: agentId,
      SKEIN_AGENT_TOKEN: await signAgentToken(own.SKEIN_SECRET_KEY, { subject: agentId, pool, lifetimeSeconds }),
      SKEIN_AGENT_HOME: home.folder("agent"),
      SKEIN_HOME: home.path,
      // Who presses Ctrl-C wants everything to end now; what a task had begun is tried again at the next start.
      SKEIN_END_TASKS: "true",
      SKEIN_DRAIN_SECONDS: "0",
      SKEIN_POOL: pool,
    },
  );
}

async function failureOf(postgres: EmbeddedPostgres | undefined): Promise<string> {
  if (!postgres) return await new Promise<never>(() => {});
  await postgres.ended;
  return "The embedded Postgres ended unexpectedly; postgres.log in its folder says why.";
}

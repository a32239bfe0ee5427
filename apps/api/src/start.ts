import { isIPv4, isIPv6 } from "node:net";
import type { Environment } from "@skein/config";
import { isRunLive, migrate, openDb, openNotifier } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { openStorage, type Storage, storeOptions } from "@skein/storage";
import { createMetrics, type Logger, openLogger } from "@skein/telemetry";
import packageFile from "../package.json" with { type: "json" };
import { createAgentService } from "./agents/agent-service.ts";
import { createLogService } from "./agents/log-service.ts";
import { openStoreCredentials } from "./agents/open-store-credentials.ts";
import { openDiscovery, providerKeys } from "./auth/discovery.ts";
import { createHostGuard } from "./auth/host-guard.ts";
import { signRunToken } from "./auth/tokens.ts";
import { createVerifier } from "./auth/verifier.ts";
import type { ApiConfig } from "./config.ts";
import { createAccess } from "./edge/access.ts";
import type { TlsFiles } from "./edge/tls-front.ts";
import { defaultPolicy, type Policy } from "./permissions.ts";
import { openSecrets } from "./secrets/open-secrets.ts";
import { openServer } from "./server.ts";
import { createServices, type ServicesConfig } from "./services.ts";
import { createSystemService } from "./system.ts";
import { openRunWatcher } from "./watch/run-watcher.ts";
import { createWatchRun } from "./watch/watch-run.ts";

export { signAgentToken, signRunToken } from "./auth/tokens.ts";
export { ApiConfig, readConfig as readApiConfig } from "./config.ts";
export type { AppRouter } from "./trpc/router.ts";

export interface Api {
  /** How clients reach it. */
  readonly url: string;
  /** The ports that were bound: the first is the main one. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

export interface ApiDependencies {
  readonly logger?: Logger;
  readonly policy?: Policy;
  /** Where secrets may be, when the configuration says so; never read for anything else. */
  readonly environment?: Environment;
}

const GRACE_MS = 10_000;
const { version } = packageFile;

/** Migrates the database, seeds it, and serves until `close`. What was opened is closed again when the start fails. */
export async function startApi(config: ApiConfig, dependencies: ApiDependencies = {}): Promise<Api> {
  const logger = dependencies.logger ?? openLogger({ name: "api", level: config.logLevel });
  checkBinding(config, logger);
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
  };
  try {
    const api = await open(config, dependencies, logger, closers);
    return { ...api, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  config: ApiConfig,
  { policy = defaultPolicy, environment = {} }: ApiDependencies,
  logger: Logger,
  closers: (() => Promise<void> | void)[],
) {
  await migrate(config.databaseUrl);
  const database = openDb(config.databaseUrl, { max: config.databaseConnectionsMax, applicationName: "skein-api" });
  closers.push(() => database.close());
  const { db, pool } = database;
  const notifier = openNotifier(pool);
  closers.push(() => notifier.close());
  let boundUrl = "";
  const publicUrl = (): string => config.publicUrl?.replace(/\/+$/, "") ?? boundUrl;
  const storage = await openConfiguredStorage(config, publicUrl);
  closers.push(() => storage.close());
  const watcher = await openRunWatcher({ pool, databaseUrl: config.databaseUrl });
  closers.push(() => watcher.close());
  const secrets = openSecrets(config, db, environment);
  const services = createServices({
    db,
    storage,
    notifier,
    keyring: secrets.keyring,
    secretKey: config.secretKey,
    config: servicesConfig(config, publicUrl),
  });
  await services.projects.seed({
    domains: config.domains.map((id) => ({ id, name: id })),
    projects: config.projects,
  });
  const { secretKey } = config;
  const tls = tlsFiles(config);
  const discovery = config.authIssuer === undefined ? undefined : openDiscovery(config.authIssuer);
  const server = await openServer({
    access: accessOf(config, discovery, policy, (runId) => isRunLive(pool, runId)),
    services,
    agents: createAgentService({
      pool,
      storage,
      notifier,
      secretKey,
      secrets: secrets.source,
      policies: services.policies,
      taskResources: services.config.taskResources,
      storeCredentials: await openStoreCredentials(config, storage, closers),
      signToken: config.authIssuer === undefined ? undefined : (run) => signRunToken(secretKey, run),
    }),
    logs: createLogService(pool, storage),
    watchRun: createWatchRun({ db, watcher, getRun: services.runs.get }),
    system: createSystemService({ pool, version }),
    logger,
    metrics: createMetrics(),
    discovery,
    audience: config.authAudience,
    publicUrl,
    messageBytesMax: config.messageBytesMax,
    host: config.host,
    tls,
    ports: config.grpcPort === "off" ? [config.port] : [config.port, config.grpcPort],
  });
  closers.push(() => server.close(GRACE_MS));
  boundUrl = urlOf(tls ? "https" : "http", config.host, server.ports[0] ?? config.port);
  logger.info({ url: publicUrl(), ports: server.ports }, "the api is ready");
  return { url: publicUrl(), ports: server.ports };
}

const servicesConfig = (config: ApiConfig, publicUrl: () => string): ServicesConfig => ({
  // With port 0 it is known only once the server listens.
  get publicUrl() {
    return publicUrl();
  },
  version,
  cluster: "",
  rawOutputPrefixes: config.rawOutputPrefixes,
  taskResources: { defaults: config.taskResourceDefaults, limits: config.taskResourceLimits },
  maxParallelism: config.maxParallelism,
});

function tlsFiles({ tlsCertFile: certFile, tlsKeyFile: keyFile }: ApiConfig): TlsFiles | undefined {
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile === undefined && keyFile === undefined) return undefined;
  throw new SkeinError(
    "invalid_argument",
    "tls_config_incomplete",
    "SKEIN_TLS_CERT_FILE and SKEIN_TLS_KEY_FILE belong together: set both, or neither.",
  );
}

function openConfiguredStorage(config: ApiConfig, publicUrl: () => string): Promise<Storage> {
  return openStorage({ ...storeOptions(config), signing: { secretKey: config.secretKey, publicUrl } });
}

function accessOf(
  config: ApiConfig,
  discovery: ReturnType<typeof openDiscovery> | undefined,
  policy: Policy,
  isRunLive: (runId: string) => Promise<boolean>,
) {
  const { authIssuer, authAudience, authJwksUrl, secretKey } = config;
  const isConfigured = authIssuer !== undefined && authAudience !== undefined && discovery !== undefined;
  const verifier = createVerifier({
    secretKey,
    isRunLive,
    ...(isConfigured && {
      provider: { issuer: authIssuer, audience: authAudience, keys: providerKeys(discovery, authJwksUrl) },
    }),
  });
  const isOpen = verifier.requiresToken || config.allowAnonymous;
  return createAccess({
    verifier,
    policy,
    hostGuard: isOpen ? undefined : createHostGuard({ publicUrl: config.publicUrl }),
  });
}

/** Nobody should find out from an attacker that a server without a login was reachable. */
function checkBinding(config: ApiConfig, logger: Logger): void {
  if ((config.authIssuer === undefined) !== (config.authAudience === undefined)) {
    throw new SkeinError(
      "invalid_argument",
      "auth_config_incomplete",
      "SKEIN_AUTH_ISSUER and SKEIN_AUTH_AUDIENCE belong together: set both, or neither.",
    );
  }
  if (config.authIssuer !== undefined) return;
  if (config.allowAnonymous) {
    logger.warn(
      { host: config.host },
      "SKEIN_ALLOW_ANONYMOUS is on: whoever reaches this address may do everything, without a token",
    );
  } else if (!isLoopback(config.host)) {
    throw new SkeinError(
      "invalid_argument",
      "open_without_auth",
      `SKEIN_HOST=${config.host} can be reached from outside, but no login is configured. Set SKEIN_AUTH_ISSUER and SKEIN_AUTH_AUDIENCE, or listen on 127.0.0.1, or set SKEIN_ALLOW_ANONYMOUS=true if everybody may do everything.`,
    );
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || (isIPv4(host) && host.startsWith("127.")) || (isIPv6(host) && host === "::1");
}

const urlOf = (scheme: string, host: string, port: number): string =>
  `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;

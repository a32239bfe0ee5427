import type { Environment } from "@skein/config";
import { openQueues, type Queues } from "@skein/queue";
import { openSources } from "@skein/secrets";
import { openStorage, type Storage, storeOptions } from "@skein/storage";
import { type Logger, openLogger, openMetricsServer } from "@skein/telemetry";
import { ClientPlaces } from "./client-places.ts";
import type { AgentConfig } from "./config.ts";
import { openConnectors } from "./connectors/open-connectors.ts";
import { type Host, ownHost } from "./hosts.ts";
import { launchSettings } from "./launch-settings.ts";
import { Ledger } from "./ledger/ledger.ts";
import { type ApiClient, openApiClient } from "./link/api-client.ts";
import { ClaimBatcher } from "./link/claim-batcher.ts";
import { DeckShipper } from "./link/deck-shipper.ts";
import { LogShipper } from "./link/log-shipper.ts";
import { ReportOutbox } from "./link/report-outbox.ts";
import { type AgentMetrics, createAgentMetrics } from "./metrics.ts";
import { AttemptRunner } from "./run-attempt.ts";
import { openRuntime } from "./runtimes/open-runtime.ts";
import type { Runtime } from "./runtimes/runtime.ts";
import { type Serving, serveOrders } from "./serve-orders.ts";
import { prepareLaunch } from "./task/prepare-launch.ts";
import { credentialsProblem } from "./task-store-access.ts";

/** Parts that a caller may bring. */
export interface AgentParts {
  readonly logger?: Logger;
  readonly api?: ApiClient;
  /** Where secrets may be, when the configuration says so; never read for anything else. */
  readonly environment?: Environment;
}

export interface Agent {
  readonly agentId: string;
  /** Resolves when the api answered the first heartbeat: from then on the agent takes orders that need a slot. */
  readonly ready: Promise<void>;
  /**
   * Takes nothing more, waits up to `drainSeconds` (the configuration's unless told) for running tasks, and lets go of
   * those that still run: the next agent in the same home takes them over. Called again with 0 it stops waiting.
   */
  close(options?: { readonly drainSeconds?: number }): Promise<void>;
}

/** Starts an agent: opens its home, takes over what an earlier process left there, and takes orders. */
export async function startAgent(config: AgentConfig, parts: AgentParts = {}): Promise<Agent> {
  const logger = parts.logger ?? openLogger({ name: "agent", level: config.logLevel });
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const { agentId, serving } = await open(config, logger, parts, closers);
    let closing: Promise<void> | undefined;
    return {
      agentId,
      ready: serving.ready,
      close: (options = {}) => {
        const drained = serving.drain(options.drainSeconds ?? drainSecondsOf(config)).then(closeAll);
        closing = closing ? Promise.race([closing, drained]) : drained;
        return closing;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Pods need no agent to go on; the next one adopts them. */
const drainSecondsOf = ({ drainSeconds, runtime }: AgentConfig): number =>
  drainSeconds ?? (runtime === "kubernetes" ? 0 : 30);

/** Opens one part after the other; `closers` hold what to undo, in this order. */
async function open(
  config: AgentConfig,
  logger: Logger,
  parts: AgentParts,
  closers: (() => unknown)[],
): Promise<{ agentId: string; serving: Serving }> {
  const opened = async <T>(part: Promise<T> | T, close: (part: T) => unknown): Promise<T> => {
    const value = await part;
    closers.push(() => close(value));
    return value;
  };
  const ledger = await opened(Ledger.open(config.agentHome), (one) => one.close());
  const agentId = config.agentId ?? (await ledger.agentId());
  const storage = await opened(openStorage(storeOptions(config)), (one) => one.close());
  const runtime = await opened(openRuntime(config, agentId, logger), (one) => one.close());
  const queues = await opened(openOwnQueues(config, logger), (one) => one.close());
  const problem = credentialsProblem(config);
  if (problem !== undefined) logger.warn(problem);
  const api = parts.api ?? openApiClient({ url: config.apiUrl, token: config.agentToken });
  const metrics = createAgentMetrics();
  const decks = await opened(new DeckShipper(storage, logger), (one) => one.close());
  const clients = new ClientPlaces(config.agentClientSlots);
  const { hosts, calls, close: closeHosts } = openHosts({ config, runtime, storage, logger, metrics });
  closers.push(closeHosts);
  const closing = await opened(new AbortController(), (one) => one.abort());
  const runner = new AttemptRunner({
    ledger,
    hosts,
    claims: new ClaimBatcher(api, { agentId, pool: config.pool }, (seconds) => metrics.claimSeconds.observe(seconds)),
    outbox: await opened(new ReportOutbox(queues, agentId, logger, metrics), (one) => one.close()),
    decks,
    clients,
    logs: await opened(new LogShipper(api, agentId, logger, (bytes) => metrics.logBytes.inc(bytes)), (one) =>
      one.close(),
    ),
    secrets: openSources(config.agentSecretsSources, { environment: parts.environment ?? {} }),
    outputBytesMax: config.outputBytesMax,
    logger,
    onEnded: (outcome) => metrics.ended.inc({ outcome }),
    closing: closing.signal,
  });
  const whole = {
    config,
    agentId,
    ledger,
    runtime,
    queues,
    api,
    runner,
    decks,
    beside: [clients, ...calls],
    logger,
    metrics,
  };
  const serving = await opened(serveOrders(whole), (one) => one.close());
  // Pushed behind the rest, so it comes first at the end.
  if (config.endTasks) closers.push(() => runner.endTasks());
  if (config.metricsPort !== undefined) {
    const { health } = serving;
    const answers = { metrics: metrics.registry, problem: () => health.problem, stuck: () => health.stuck };
    const server = openMetricsServer({ host: config.metricsHost, port: config.metricsPort, ...answers });
    await opened(server, (one) => one.close());
  }
  return { agentId, serving };
}

const openOwnQueues = ({ redisUrl, queueDatabaseUrl, queuePrefix }: AgentConfig, logger: Logger): Promise<Queues> =>
  openQueues({
    redisUrl,
    postgresUrl: queueDatabaseUrl,
    prefix: queuePrefix,
    onError: (error) => logger.warn({ err: error }, "The queue reported an error"),
  });

interface HostParts {
  readonly config: AgentConfig;
  readonly runtime: Runtime;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly metrics: AgentMetrics;
}

/** The agent's own runtime, and connectors for what they serve. */
function openHosts({ config, runtime, storage, logger, metrics }: HostParts) {
  const launch = launchSettings(config, storage);
  const own: Host = {
    runtime,
    place: launch.place,
    prepare: (folder, grant) => prepareLaunch(folder, grant, launch),
    keepsTasks: false,
  };
  if (!config.connectors) return { hosts: ownHost(own), calls: [], close: () => {} };
  const { hosts, calls, close } = openConnectors({
    connectors: config.connectors,
    slots: config.connectorSlots,
    storage,
    logger,
    onCall: (connector, method, code) => metrics.connectorCalls.inc({ connector, method, code }),
  });
  return { hosts: hosts(own), calls: [calls], close };
}

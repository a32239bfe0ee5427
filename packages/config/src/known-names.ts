/**
 * Every variable with our prefix that some process of ours reads. Processes share one environment, so the api's
 * variables must not stop the agent; a name in neither list is a typing error and stops the start.
 */
export const KNOWN_NAMES: ReadonlySet<string> = new Set([
  "SKEIN_AGENT_HOME",
  "SKEIN_AGENT_ID",
  "SKEIN_AGENT_SLOTS",
  "SKEIN_AGENT_TOKEN",
  "SKEIN_ALLOW_ANONYMOUS",
  "SKEIN_API_URL",
  "SKEIN_AUTH_AUDIENCE",
  "SKEIN_AUTH_ISSUER",
  "SKEIN_AUTH_JWKS_URL",
  "SKEIN_DATABASE_CONNECTIONS_MAX",
  "SKEIN_DOMAINS",
  "SKEIN_DRAIN_SECONDS",
  "SKEIN_END_TASKS",
  "SKEIN_GRPC_PORT",
  "SKEIN_HIDDEN_FOLDERS",
  "SKEIN_HISTORY_DAYS",
  "SKEIN_HOME",
  "SKEIN_HOST",
  "SKEIN_ISOLATION",
  "SKEIN_LOG_LEVEL",
  "SKEIN_MESSAGE_BYTES_MAX",
  "SKEIN_METRICS_HOST",
  "SKEIN_METRICS_PORT",
  "SKEIN_OUTPUT_BYTES_MAX",
  "SKEIN_POOL",
  "SKEIN_PORT",
  "SKEIN_PROJECTS",
  "SKEIN_PUBLIC_URL",
  "SKEIN_QUEUE_DATABASE_URL",
  "SKEIN_QUEUE_PREFIX",
  "SKEIN_RUNTIME",
  "SKEIN_S3_ENDPOINT",
  "SKEIN_S3_PUBLIC_ENDPOINT",
  "SKEIN_S3_REGION",
  "SKEIN_SECRET_KEY",
  "SKEIN_SEEDS",
  "SKEIN_SHARDS",
  "SKEIN_STORAGE",
  "SKEIN_TASK_CREDENTIALS",
  "SKEIN_TASK_PATH",
]);

/** Families whose members are not listed one by one. `SKEIN_TEST_…` steers our tests. */
export const KNOWN_PREFIXES: readonly string[] = ["SKEIN_TEST_", "SKEIN_TASK_AWS_", "SKEIN_DOCKER_"];

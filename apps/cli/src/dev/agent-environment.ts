import type { Environment } from "@skein/config";

/** What the agent may see of our environment. The server's database, key and everything else stay out of its reach. */
const ALLOWED = [
  "PATH",
  "HOME",
  "LANG",
  "LC_ALL",
  "TZ",
  "TMPDIR",
  "NODE_COMPILE_CACHE",
  "DOCKER_HOST",
  "XDG_RUNTIME_DIR",
  "REDIS_URL",
  "SKEIN_QUEUE_DATABASE_URL",
  "SKEIN_QUEUE_PREFIX",
  "SKEIN_STORAGE",
  "SKEIN_S3_ENDPOINT",
  "SKEIN_S3_REGION",
  "SKEIN_POOL",
  "SKEIN_LOG_LEVEL",
  "SKEIN_RUNTIME",
  "SKEIN_ISOLATION",
  "SKEIN_TASK_API_URL",
  "SKEIN_TASK_PATH",
  "SKEIN_TASK_CREDENTIALS",
  "SKEIN_OUTPUT_BYTES_MAX",
  "SKEIN_HIDDEN_FOLDERS",
];
const ALLOWED_PREFIXES = ["SKEIN_AGENT_", "SKEIN_CONNECTOR", "SKEIN_DOCKER_", "SKEIN_TASK_AWS_", "AWS_"];

/** The agent's environment: the allowed part of `environment`, then `own`. */
export function agentEnvironment(
  environment: Environment,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const isAllowed = (name: string) =>
    ALLOWED.includes(name) || ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix));
  const passed = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && isAllowed(name) ? [[name, value] as const] : [],
  );
  return { ...Object.fromEntries(passed), ...own };
}

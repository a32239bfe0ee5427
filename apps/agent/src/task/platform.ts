import type { ClaimGrant } from "@skein/contracts";

/** The name that Docker gives the machine that a container runs on. */
export const CONTAINERS_HOST = "host.docker.internal";

const TOKEN_VARIABLE = "SKEIN_RUN_TOKEN";

/**
 * What makes flytekit inside of a task a client of this server; empty for tasks that are none. flytekit takes a token
 * from the output of a command, whose words are separated by commas.
 */
export function platformEnvironment(url: string, platform: ClaimGrant["platform"]): Record<string, string> {
  if (!platform) return {};
  const { protocol, hostname, port } = new URL(url);
  const isInsecure = protocol === "http:";
  const place = {
    FLYTE_PLATFORM_URL: `${hostname}:${port || (isInsecure ? 80 : 443)}`,
    FLYTE_PLATFORM_INSECURE: String(isInsecure),
  };
  if (platform.token === null) return place;
  return {
    ...place,
    FLYTE_CREDENTIALS_AUTH_MODE: "ExternalCommand",
    FLYTE_CREDENTIALS_COMMAND: `sh,-c,echo $${TOKEN_VARIABLE}`,
    [TOKEN_VARIABLE]: platform.token,
  };
}

/** Whether only processes of this very machine reach the server under this URL. */
export function isOwnMachine(url: string): boolean {
  const { hostname } = new URL(url);
  return /^(localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])$/.test(hostname);
}

/** The same server as a container on this machine reaches it. */
export function seenFromContainer(url: string): string {
  const seen = new URL(url);
  if (isOwnMachine(url)) seen.hostname = CONTAINERS_HOST;
  return seen.href;
}

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Environment, env, sharedFields } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { z } from "zod";
import { signAgentToken } from "./tokens.ts";

const readSecretKey = env(z.object({ secretKey: sharedFields.secretKey }));
const DAYS_MAX = 3_650;
const DAY_SECONDS = 24 * 3_600;

export const ISSUE_AGENT_TOKENS_USAGE = `agent-tokens --pools <pool,…> [--days 365] [--folder <folder> | --kubernetes-secret <namespace>/<name>]
  Makes a token for the agents of each pool, signed with SKEIN_SECRET_KEY. Prints them unless told where to write them:
  a file for each pool, or a key for each pool in a Secret that exists.`;

/** Where a pod finds who it is. */
const ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Makes tokens for agents and hands them to whoever starts these: a person, a folder, or a Secret of this cluster. */
export async function issueAgentTokens(args: readonly string[], environment: Environment): Promise<string> {
  const options = readOptions(args);
  const { secretKey } = readSecretKey(environment);
  const tokens = new Map<string, string>();
  for (const pool of options.pools) {
    const lifetimeSeconds = options.days * DAY_SECONDS;
    tokens.set(pool, await signAgentToken(secretKey, { subject: `agents of ${pool}`, pool, lifetimeSeconds }));
  }
  if (options.folder !== undefined) {
    await mkdir(options.folder, { recursive: true });
    for (const [pool, token] of tokens) await writeFile(join(options.folder, pool), token, { mode: 0o600 });
    return `Tokens of ${options.pools.join(", ")} are in ${options.folder}.`;
  }
  if (options.secret !== undefined) {
    await patchSecret(options.secret, tokens, environment);
    return `Tokens of ${options.pools.join(", ")} are in the Secret ${options.secret.join("/")}.`;
  }
  return [...tokens].map(([pool, token]) => (tokens.size === 1 ? token : `${pool} ${token}`)).join("\n");
}

function readOptions(args: readonly string[]) {
  const refuse = (what: string) =>
    new SkeinError("invalid_argument", "invalid_arguments", `${what}\n${ISSUE_AGENT_TOKENS_USAGE}`);
  const text = { type: "string" } as const;
  let values: { pools?: string; days?: string; folder?: string; "kubernetes-secret"?: string };
  try {
    const options = { pools: text, days: text, folder: text, "kubernetes-secret": text };
    values = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const pools = (values.pools ?? "default").split(",").map((pool) => pool.trim());
  const wrong = pools.find((pool) => !sharedFields.pool.safeParse(pool).success);
  if (wrong !== undefined) throw refuse(`--pools: "${wrong}" must be 1 to 63 of a-z, 0-9 and -`);
  const days = Number(values.days ?? "365");
  if (!Number.isInteger(days) || days < 1 || days > DAYS_MAX) throw refuse(`--days must be from 1 to ${DAYS_MAX}`);
  const secret = values["kubernetes-secret"]?.split("/");
  if (secret !== undefined && (secret.length !== 2 || secret.includes(""))) {
    throw refuse("--kubernetes-secret must be <namespace>/<name>");
  }
  return { pools, days, folder: values.folder, secret };
}

async function patchSecret(
  [namespace = "", name = ""]: readonly string[],
  tokens: ReadonlyMap<string, string>,
  environment: Environment,
): Promise<void> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host === undefined) {
    throw new SkeinError(
      "invalid_argument",
      "not_in_a_cluster",
      "--kubernetes-secret works in a pod of the cluster only.",
    );
  }
  const url = `https://${host.includes(":") ? `[${host}]` : host}:${port ?? "443"}/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  const answer = await fetch(url, {
    method: "PATCH",
    headers: {
      authorization: `Bearer ${await readFile(join(ACCOUNT_FOLDER, "token"), "utf8")}`,
      "content-type": "application/merge-patch+json",
    },
    body: JSON.stringify({ stringData: Object.fromEntries(tokens) }),
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.ok) return;
  const said = (await answer.text()).slice(0, 500);
  throw new SkeinError("unavailable", "secret_not_written", `Kubernetes answered ${answer.status}: ${said}`);
}

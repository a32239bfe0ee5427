import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { SkeinError } from "@skein/errors";
import { z } from "zod";

/** What a daemon shows a registry, in Docker's words. */
export interface RegistryCredentials {
  readonly serveraddress: string;
  readonly username?: string;
  readonly password?: string;
  /** Instead of a password: what a login left. */
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";
const HELPER_MS = 30_000;

const Auth = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
/** A helper's name becomes a program's: it must not lead to another folder. */
const HelperName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
const AuthFile = z.object({
  auths: z.record(z.string(), Auth).default({}),
  credHelpers: z.record(z.string(), HelperName).default({}),
  credsStore: HelperName.optional(),
});
const HelperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/**
 * Finds the credentials for an image in a file in the form of `~/.docker/config.json`: from the registry's own helper, the
 * store of all, or the file itself. Undefined when there are none; failed_precondition when the file or a helper fails.
 */
export async function registryCredentials(image: string, authFile: string): Promise<RegistryCredentials | undefined> {
  const file = await readAuthFile(authFile);
  const registry = registryOf(image);
  const keys = registry === DOCKER_HUB ? [DOCKER_HUB_KEY, registry] : [registry, `https://${registry}`];
  const serveraddress = keys[0] ?? registry;
  const helper = keys.map((key) => file.credHelpers[key]).find((name) => name !== undefined) ?? file.credsStore;
  const told = helper === undefined ? undefined : await askHelper(helper, serveraddress);
  if (told) return { serveraddress, ...told };
  const entry = keys.map((key) => file.auths[key]).find((auth) => auth !== undefined);
  return entry && fromEntry(serveraddress, entry);
}

/** The part before the first slash, when it looks like a host. */
export function registryOf(image: string): string {
  const first = image.split("/")[0] ?? "";
  return image.includes("/") && (/[.:]/.test(first) || first === "localhost") ? first : DOCKER_HUB;
}

async function readAuthFile(authFile: string): Promise<z.infer<typeof AuthFile>> {
  try {
    return AuthFile.parse(JSON.parse(await readFile(authFile, "utf8")));
  } catch (error) {
    const message = `SKEIN_DOCKER_AUTH_FILE ${authFile} cannot be used as registry credentials`;
    throw new SkeinError("failed_precondition", "docker_auth_file_invalid", message, { cause: error });
  }
}

function fromEntry(serveraddress: string, entry: z.infer<typeof Auth>): RegistryCredentials | undefined {
  const { identitytoken, registrytoken } = entry;
  if (identitytoken) return { serveraddress, identitytoken };
  if (registrytoken) return { serveraddress, registrytoken };
  const decoded = Buffer.from(entry.auth ?? "", "base64").toString();
  const [, username = entry.username, password = entry.password] = /^([^:]*):([\s\S]*)$/.exec(decoded) ?? [];
  if (username === undefined || password === undefined) return undefined;
  return { serveraddress, username, password };
}

/** The protocol of `docker-credential-<name>`: the server's address goes in, a JSON object or a sentence comes out. */
async function askHelper(
  name: string,
  server: string,
): Promise<Omit<RegistryCredentials, "serveraddress"> | undefined> {
  const program = `docker-credential-${name}`;
  const child = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"], timeout: HELPER_MS });
  child.stdin.on("error", () => undefined).end(server);
  const said = text(child.stdout);
  const code = await once(child, "close").then(
    ([code]: unknown[]) => code,
    (error: Error) => {
      throw helperFailed(program, server, error.message);
    },
  );
  const answer = await said;
  if (code !== 0) {
    if (/credentials not found/i.test(answer)) return undefined;
    throw helperFailed(program, server, answer.trim() || `it ended with ${String(code)}`);
  }
  const parsed = HelperAnswer.safeParse(readJson(answer));
  if (!parsed.success) throw helperFailed(program, server, "it did not answer with Username and Secret");
  const { Username, Secret } = parsed.data;
  return Username === "<token>" ? { identitytoken: Secret } : { username: Username, password: Secret };
}

function readJson(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}

const helperFailed = (program: string, server: string, why: string): SkeinError =>
  new SkeinError(
    "failed_precondition",
    "docker_credential_helper_failed",
    `${program} has no credentials for ${server}: ${why}`,
  );

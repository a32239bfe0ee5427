import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Launch } from "../runtimes/runtime.ts";
import { SECRET_VARIABLE_PREFIX } from "./task-secrets.ts";

/** Where containers find secrets that are files. */
export const SECRETS_FOLDER = "/etc/flyte/secrets";

/** Whether a task asked for secrets, found or not: it is then told where to look. */
export const asksForSecrets = ({ grant }: Pick<Launch, "grant">): boolean => grant.secrets.length > 0;

/** What a task's environment holds for the sake of its secrets, when their files are in `folder`. */
export function secretEnvironment(launch: Pick<Launch, "grant" | "secrets">, folder: string): Record<string, string> {
  if (!asksForSecrets(launch)) return {};
  const entries = launch.secrets.flatMap(({ value, variables, file, fileVariable }) => [
    ...variables.map((name) => [name, Buffer.from(value).toString()] as const),
    ...(file === undefined || fileVariable === undefined ? [] : [[fileVariable, join(folder, file)] as const]),
  ]);
  return {
    FLYTE_SECRETS_ENV_PREFIX: SECRET_VARIABLE_PREFIX,
    FLYTE_SECRETS_DEFAULT_DIR: folder,
    ...Object.fromEntries(entries),
  };
}

/** The folder of a task's secrets on this machine. It is the agent's own, so that nobody but the task gets there. */
export const secretsFolder = (folder: AttemptFolder): string => folder.file("secrets");

/**
 * Writes the secrets that are files; they go with the attempt's folder. Whichever user a container runs as may read them:
 * other accounts of this machine do not get past the folder around them.
 */
export async function writeSecretFiles({ folder, grant, secrets }: Launch): Promise<void> {
  if (!asksForSecrets({ grant })) return;
  const root = secretsFolder(folder);
  await rm(root, { recursive: true, force: true });
  await mkdir(root);
  await chmod(root, 0o755);
  for (const { file, value } of secrets) {
    if (file === undefined) continue;
    const path = join(root, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, value, { mode: 0o444 });
  }
}

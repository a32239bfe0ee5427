import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { SkeinError } from "@skein/errors";
import { readMark, removeMark, writeMark } from "./process-mark.ts";

/** What `skein dev` keeps between starts. Only its owner may read the secrets. */
export interface Secrets {
  readonly secretKey: string;
  readonly postgresPassword: string;
  readonly databasePassword: string;
  readonly queuePassword: string;
}

/** The folder of one Skein on this machine ($SKEIN_HOME), held by one `skein dev` at a time. */
export interface Home {
  readonly path: string;
  readonly secrets: Secrets;
  /** A path below the home whose folder exists. */
  file(name: string): string;
  folder(...names: string[]): string;
  release(): void;
}

export const isRoot = (): boolean => process.platform !== "win32" && userInfo().uid === 0;

/** `~/.skein` unless told otherwise. */
export const homePath = (configured: string | undefined): string => resolve(configured ?? join(homedir(), ".skein"));

/** Takes the home; failed_precondition when another `skein dev` holds it. A home left by a crash is taken over. */
export function openHome(path: string): Home {
  // Postgres will not run as root, so its user must be able to pass through.
  const mode = isRoot() ? 0o711 : 0o700;
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode);
  const lock = join(path, "dev.pid");
  hold(path, lock);
  const folder = (...names: string[]): string => {
    const joined = join(path, ...names);
    mkdirSync(joined, { recursive: true, mode: 0o700 });
    return joined;
  };
  return {
    path,
    secrets: readSecrets(join(path, "secrets.json")),
    file: (name) => join(path, name),
    folder,
    release: () => removeMark(lock),
  };
}

function hold(path: string, lock: string): void {
  try {
    writeMark(lock, process.pid, { exclusive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const holder = readMark(lock);
    if (holder) {
      const message = `Skein already runs in ${path} (process ${holder.pid}). Stop it first, or set SKEIN_HOME to another folder.`;
      throw new SkeinError("failed_precondition", "home_taken", message);
    }
    removeMark(lock);
    hold(path, lock);
  }
}

function readSecrets(file: string): Secrets {
  const fresh = () => randomBytes(32).toString("hex");
  const made = {
    secretKey: fresh(),
    postgresPassword: fresh(),
    databasePassword: fresh(),
    queuePassword: fresh(),
  };
  try {
    writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return JSON.parse(readFileSync(file, "utf8")) as Secrets;
  }
}

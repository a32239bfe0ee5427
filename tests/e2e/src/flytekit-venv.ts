import { execFile } from "node:child_process";
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE = join(homedir(), ".cache", "skein-test");

/** The virtual environments of the tests; `tests/e2e/flytekit/<version>.txt` says what is in each. */
export type FlytekitVersion = "1.16.31" | "1.16.31-frames" | "1.16.31-stores" | "1.10.3";

const made = new Map<FlytekitVersion, Promise<string | undefined>>();

/**
 * The `bin` folder of a virtual environment with the real flytekit: one that is made once and kept in `~/.cache/skein-test`,
 * or `SKEIN_TEST_FLYTEKIT` in place of the plain one. Undefined where there is no Python or no way to PyPI.
 */
export function flytekitBin(version: FlytekitVersion = "1.16.31"): Promise<string | undefined> {
  const known = made.get(version);
  if (known) return known;
  const own = version === "1.16.31" ? process.env.SKEIN_TEST_FLYTEKIT : undefined;
  const found = findOrMake(own ?? join(CACHE, `flytekit-${version}`), version);
  made.set(version, found);
  return found;
}

async function findOrMake(venv: string, version: FlytekitVersion): Promise<string | undefined> {
  const bin = join(venv, "bin");
  // A sandbox sees the real folder, not the link to it.
  if (existsSync(join(bin, "pyflyte"))) return realpathSync(bin);
  const packages = fileURLToPath(new URL(`../flytekit/${version}.txt`, import.meta.url));
  try {
    mkdirSync(dirname(venv), { recursive: true });
    await run("python3", ["-m", "venv", venv]);
    await run(join(bin, "pip"), ["install", "--quiet", "-r", packages]);
    return bin;
  } catch (error) {
    if (process.env.CI === "true") throw error;
    process.stderr.write(
      `skipped: no virtual environment for flytekit ${version}. Install Python 3.11, then: python3 -m venv ${venv} && ${bin}/pip install -r ${packages}\n${error}\n`,
    );
    return undefined;
  }
}

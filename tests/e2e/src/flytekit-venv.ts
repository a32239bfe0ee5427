import { execFile } from "node:child_process";
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const FLYTEKIT_VERSION = "1.16.31";
const DEFAULT_VENV = join(homedir(), ".cache", "skein-test", `flytekit-${FLYTEKIT_VERSION}`);

let made: Promise<string | undefined> | undefined;

/**
 * The `bin` folder of a virtual environment with the real flytekit: `SKEIN_TEST_FLYTEKIT`, or one that is made once
 * and kept in `~/.cache/skein-test`. Undefined where there is no Python or no way to PyPI.
 */
export function flytekitBin(): Promise<string | undefined> {
  made ??= findOrMake(process.env.SKEIN_TEST_FLYTEKIT ?? DEFAULT_VENV);
  return made;
}

async function findOrMake(venv: string): Promise<string | undefined> {
  const bin = join(venv, "bin");
  // A sandbox sees the real folder, not the link to it.
  if (existsSync(join(bin, "pyflyte"))) return realpathSync(bin);
  try {
    mkdirSync(dirname(venv), { recursive: true });
    await run("python3", ["-m", "venv", venv]);
    await run(join(bin, "pip"), ["install", "--quiet", `flytekit==${FLYTEKIT_VERSION}`]);
    return bin;
  } catch (error) {
    if (process.env.CI === "true") throw error;
    process.stderr.write(`skipped: no virtual environment with flytekit ${FLYTEKIT_VERSION}: ${error}\n`);
    return undefined;
  }
}

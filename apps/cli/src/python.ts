import { spawnSync } from "node:child_process";

/** A Python that can make virtual environments. */
export interface Python {
  readonly program: string;
  readonly version: string;
}

const CANDIDATES = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python"];
const OLDEST_MINOR = 9;

/** The first Python 3.9 or newer on PATH that has venv; undefined when there is none. */
export function findPython(): Python | undefined {
  for (const program of CANDIDATES) {
    const script = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3])))";
    const { status, stdout } = spawnSync(program, ["-c", script], { encoding: "utf8" });
    const version = stdout?.trim() ?? "";
    const [major, minor] = version.split(".").map(Number);
    if (status === 0 && major === 3 && (minor ?? 0) >= OLDEST_MINOR) return { program, version };
  }
  return undefined;
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SkeinError } from "@skein/errors";
import type { Python } from "../python.ts";

/** The version that Skein is tested with. */
const FLYTEKIT = "flytekit==1.16.31";
const PROGRESS_MS = 5000;

/** The `bin` folder of a virtual environment with flytekit; made at the first time, which takes about a minute. */
export async function prepareFlytekit(python: Python, home: string, say: (line: string) => void): Promise<string> {
  const venv = join(home, `venv-${FLYTEKIT.replace("==", "-")}`);
  const bin = join(venv, "bin");
  // Written last: a folder without it was left half made.
  const finished = join(venv, "finished");
  if (existsSync(finished)) return bin;
  rmSync(venv, { recursive: true, force: true });
  say(`Installing ${FLYTEKIT} for Python ${python.version} into ${venv} (about a minute, once)`);
  await run(python.program, ["-m", "venv", venv], say);
  const quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
  await run(join(bin, "python"), ["-m", "pip", "install", ...quiet, FLYTEKIT], say);
  writeFileSync(finished, "");
  return bin;
}

async function run(program: string, args: readonly string[], say: (line: string) => void): Promise<void> {
  const startedAt = Date.now();
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const timer = setInterval(() => say(`  still at it (${Math.round((Date.now() - startedAt) / 1000)} s)`), PROGRESS_MS);
  try {
    const [code] = await once(child, "close");
    if (code === 0) return;
    const message = `${program} ${args.slice(0, 3).join(" ")} failed: ${said.trim().split("\n").slice(-3).join("\n")}`;
    throw new SkeinError("failed_precondition", "flytekit_install_failed", message);
  } finally {
    clearInterval(timer);
  }
}

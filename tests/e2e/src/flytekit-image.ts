import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { findTool } from "@skein/testing";
import { flytekitBin } from "./flytekit-venv.ts";

const run = promisify(execFile);

/** Whether a Docker daemon answers; under `CI=true` a missing one is an error. */
export async function haveDocker(): Promise<boolean> {
  try {
    await run("docker", ["info"], { timeout: 10_000 });
    return true;
  } catch (error) {
    if (process.env.CI === "true") throw error;
    process.stderr.write("skipped: no Docker daemon answers. Install and start Docker.\n");
    return false;
  }
}

/** What a Python program needs none of. */
const LEFT_OUT = ["test", "idlelib", "tkinter", "ensurepip", "turtledemo", "site-packages", "config-*", "__pycache__"];

/** What flytekit calls beside Python, and what images made from this one need. */
const TOOLS = ["sh", "tar", "gzip", "chown"];

/** Shared libraries of the system that the given files need, and the loader. */
async function librariesOf(files: readonly string[]): Promise<string[]> {
  const { stdout } = await run("ldd", [...files], { maxBuffer: 64 * 1024 * 1024 });
  const found = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
  return [...new Set(found)];
}

/**
 * An image with this machine's Python and the flytekit of the tests' virtual environment, made from local files, because
 * nothing needs to be pulled for it.
 */
export async function buildFlytekitImage(name: string): Promise<{ remove(): Promise<void> }> {
  const venvBin = await flytekitBin();
  if (venvBin === undefined) throw new Error("no virtual environment with flytekit");
  const venv = dirname(venvBin);
  const python = dirname(dirname(realpathSync(join(venvBin, "python"))));
  const { stdout } = await run("find", [venv, join(python, "lib"), "-name", "*.so*", "-type", "f"], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const tools = TOOLS.flatMap((name) => findTool(name) ?? []);
  const libraries = await librariesOf([
    ...tools,
    realpathSync(join(venvBin, "python")),
    ...stdout.split("\n").filter(Boolean),
  ]);
  const system = libraries.filter((path) => !path.startsWith(`${venv}/`) && !path.startsWith(`${python}/`));
  const tar = spawn(
    "tar",
    [
      "-ch",
      ...LEFT_OUT.map((folder) => `--exclude=${python}/lib/python3.*/${folder}`),
      "--exclude=*.a",
      "-C",
      "/",
      ...[venv, join(python, "bin"), join(python, "lib"), ...tools, ...system].map((path) => path.slice(1)),
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const changes = [`ENV PATH=${venvBin}:/usr/bin:/bin`, "ENV HOME=/root", "WORKDIR /root"].flatMap((change) => [
    "-c",
    change,
  ]);
  const load = spawn("docker", ["import", ...changes, "-", name], { stdio: [tar.stdout, "ignore", "inherit"] });
  const [code] = await once(load, "exit");
  if (code !== 0) throw new Error(`docker import ended with code ${code}`);
  return { remove: async () => void (await run("docker", ["rmi", "-f", name])) };
}

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestKubernetes } from "@skein/testing";
import { buildFlytekitImage } from "./flytekit-image.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;

const APPS = ["copilot", "api", "scheduler", "agent"] as const;
export const REGISTRY = "skein-test";

/** Builds `skein-test/<app>:<tag>` of the checkout as it is. Docker keeps what did not change. */
export async function buildSkeinImages(base: string, tag: string): Promise<string[]> {
  for (const app of APPS) {
    const name = `${REGISTRY}/${app}:${tag}`;
    const words = [
      "build",
      "-f",
      "deploy/docker/Dockerfile",
      "--target",
      app,
      "--build-arg",
      `BASE=${base}`,
      "-t",
      name,
    ];
    // The packages come from registries that this machine's own network reaches.
    await run("docker", [...words, "--network", "host", "."], { cwd: ROOT, maxBuffer: OUTPUT_BYTES_MAX });
  }
  return APPS.map((app) => `${REGISTRY}/${app}:${tag}`);
}

/** What Flyte's own images are: Python and flytekit, for the user 1000, who owns the folder of the code. */
export async function buildPodImage(name: string): Promise<string> {
  const plain = await buildFlytekitImage(`${name}-root`);
  try {
    const text = `FROM ${name}-root\nRUN ["chown", "1000:1000", "/root"]\nUSER 1000\n`;
    const build = spawn("docker", ["build", "-t", name, "-"], { stdio: ["pipe", "ignore", "inherit"] });
    build.stdin.end(text);
    const [code] = await once(build, "exit");
    if (code !== 0) throw new Error(`docker build of ${name} ended with code ${code}`);
    return name;
  } finally {
    await plain.remove();
  }
}

/** Copies images from Docker to the cluster's node. */
export async function loadImages(kubernetes: TestKubernetes, names: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "skein-images-"));
  try {
    const archive = join(folder, "images.tar");
    await run("docker", ["save", "-o", archive, ...names]);
    await kubernetes.loadImage(archive);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

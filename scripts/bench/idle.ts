import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTempFolder, freePort, startLeashed, waitFor } from "@skein/testing";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SETTLE_MS = 5_000;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly rssKib: number;
}

/** Every process of this machine that can be read, from /proc. */
function readProcesses(): Process[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const status = readFileSync(`/proc/${entry}/status`, "utf8");
      const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(status)?.[1] ?? "";
      return [
        { pid: Number(entry), parent: Number(field("PPid")), name: field("Name"), rssKib: Number(field("VmRSS") || 0) },
      ];
    } catch {
      return [];
    }
  });
}

/** `root` and all that descends from it. */
function treeOf(root: number, processes: readonly Process[]): Process[] {
  const below = processes.filter(({ parent }) => parent === root).flatMap(({ pid }) => treeOf(pid, processes));
  return [...processes.filter(({ pid }) => pid === root), ...below];
}

/** Starts `skein dev`, lets it settle, and answers the MiB that all its processes but Postgres hold, the bootstrap included. */
export async function measureIdle(): Promise<number> {
  const home = createTempFolder("idle");
  const port = await freePort();
  const args = ["scripts/bootstrap.mjs", "dev", "--port", `${port}`];
  const env = { PATH: process.env.PATH, HOME: home.path, SKEIN_HOME: join(home.path, "skein"), SKEIN_GRPC_PORT: "off" };
  const dev = await startLeashed(process.execPath, args, { cwd: ROOT, env, logFile: join(home.path, "dev.log") });
  try {
    const isReady = async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok;
    await waitFor(isReady, { timeoutMs: 60_000, what: "skein dev to be ready" });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const tree = treeOf(dev.pid, readProcesses()).filter(({ name }) => name !== "postgres");
    return Math.round(tree.reduce((sum, { rssKib }) => sum + rssKib, 0) / 1024);
  } finally {
    await dev.close();
    await home.close();
  }
}

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { findTool, requireTool } from "@skein/testing";

const run = promisify(execFile);
const CACHE = join(homedir(), ".cache", "skein-test");
const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";
/** A new name makes a new folder. */
const ROOTFS = join(CACHE, "debian-bookworm-3");

/** What stands in for `node:24-bookworm-slim` where no registry is reached. Undefined where it cannot be made. */
export async function buildBaseImage(): Promise<string | undefined> {
  const debootstrap = requireTool("debootstrap", "apt-get install debootstrap");
  if (debootstrap === undefined) return undefined;
  const version = process.version.slice(1);
  const name = `skein-test-base:3-${version}`;
  if (await hasImage(name)) return name;
  if (!existsSync(ROOTFS)) await makeDebian(debootstrap);
  addNode(ROOTFS);
  const settings = ["ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  await importFolder(ROOTFS, name, [...settings, `ENV NODE_VERSION=${version} NODE_EXTRA_CA_CERTS=${AUTHORITIES}`]);
  return name;
}

export async function hasImage(name: string): Promise<boolean> {
  const found = await run("docker", ["image", "inspect", name]).catch(() => undefined);
  return found !== undefined;
}

/** Under another name until it is whole. */
async function makeDebian(debootstrap: string): Promise<void> {
  const unfinished = `${ROOTFS}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  const packages = "--include=ca-certificates,tini";
  await run(debootstrap, ["--variant=minbase", packages, "bookworm", unfinished], { maxBuffer: 64 * 2 ** 20 });
  for (const folder of ["var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"]) {
    rmSync(join(unfinished, folder), { recursive: true, force: true });
  }
  mkdirSync(join(unfinished, "var/lib/apt/lists/partial"), { recursive: true });
  mkdirSync(join(unfinished, "var/cache/apt/archives/partial"), { recursive: true });
  renameSync(unfinished, ROOTFS);
}

/** This very Node and the machine's npm, at the places where Node's own images have them. */
function addNode(rootfs: string): void {
  const npm = findTool("npm");
  if (npm === undefined) throw new Error("npm is missing");
  const local = join(rootfs, "usr/local");
  copyFileSync(realpathSync(process.execPath), join(local, "bin/node"));
  const modules = join(local, "lib/node_modules");
  rmSync(join(modules, "npm"), { recursive: true, force: true });
  cpSync(dirname(dirname(realpathSync(npm))), join(modules, "npm"), { recursive: true });
  rmSync(join(local, "bin/npm"), { force: true });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(local, "bin/npm"));
  if (existsSync(AUTHORITIES)) copyFileSync(AUTHORITIES, join(rootfs, AUTHORITIES));
}

async function importFolder(folder: string, name: string, changes: readonly string[]): Promise<void> {
  const tar = spawn("tar", ["-C", folder, "-c", "."], { stdio: ["ignore", "pipe", "inherit"] });
  const words = ["import", ...changes.flatMap((change) => ["-c", change]), "-", name];
  const [code] = await once(spawn("docker", words, { stdio: [tar.stdout, "ignore", "inherit"] }), "exit");
  if (code !== 0) throw new Error(`docker import ended with code ${code}`);
}

// Builds Skein's images for a release on the base that its tag means today, and prints the digests to install with.
// `node scripts/images/release.ts --version 1.2.3 --registry registry.example.com/skein [--base node:24-bookworm-slim] [--push]`
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { resolveDigest } from "./resolve-digest.ts";

const APPS = ["api", "scheduler", "agent", "copilot"];

const { values } = parseArgs({
  options: {
    version: { type: "string" },
    registry: { type: "string", default: "skein" },
    base: { type: "string", default: "node:24-bookworm-slim" },
    push: { type: "boolean", default: false },
  },
});
const { version, registry, base, push } = values;
if (version === undefined || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
  throw new Error("give --version, such as 1.2.3");

const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { encoding: "utf8" }).trim();
const docker = (...args: string[]): void => void execFileSync("docker", args, { stdio: "inherit" });

const pinned = `${base.replace(/:[^/:]*$/, "")}@${await resolveDigest(base)}`;
const revision = run("git", ["rev-parse", "HEAD"]);
if (run("git", ["status", "--porcelain"]) !== "") throw new Error("the checkout has changes that no commit holds");
for (const app of APPS) {
  const settings = { BASE: pinned, VERSION: version, REVISION: revision };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  docker(
    "build",
    "-f",
    "deploy/docker/Dockerfile",
    "--target",
    app,
    "-t",
    `${registry}/${app}:${version}`,
    ...flags,
    ".",
  );
}
console.log(`base ${pinned}`);
if (push) {
  for (const app of APPS) docker("push", `${registry}/${app}:${version}`);
  const digests = await Promise.all(
    APPS.map(async (app) => [app, await resolveDigest(`${registry}/${app}:${version}`)]),
  );
  console.log(JSON.stringify({ image: { registry, tag: version, digests: Object.fromEntries(digests) } }, null, 2));
}

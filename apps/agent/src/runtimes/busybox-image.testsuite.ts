import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder, requireTool } from "@skein/testing";
import Docker from "dockerode";

/** Another daemon, such as podman's, can stand in. */
const SOCKET = process.env.SKEIN_TEST_DOCKER_SOCKET ?? "/var/run/docker.sock";
const PROGRAMS = [
  ...["sh", "cat", "cp", "cut", "date", "echo", "env", "grep", "id", "ls"],
  ...["readlink", "sleep", "sort", "touch", "true", "wc"],
];

export const DOCKER_HOST = `unix://${SOCKET}`;
export const docker = new Docker({ socketPath: SOCKET });
const busybox = requireTool("busybox", "apt-get install busybox-static");
const hasDocker =
  existsSync(SOCKET) &&
  (await docker
    .ping()
    .then(() => true)
    .catch(() => false));
if (!hasDocker) {
  const message = `no Docker daemon answers at ${SOCKET}: install and start Docker`;
  if (process.env.CI === "true") throw new Error(message);
  process.stderr.write(`skipped: ${message}\n`);
}

/** Whether containers of busybox can be made here. */
export const canRunContainers = hasDocker && busybox !== undefined;

/** Makes an image with nothing but busybox, from this machine's own; `change` is a line of a Dockerfile. */
export async function importBusybox(image: string, change?: string): Promise<{ remove(): Promise<void> }> {
  const folder = createTempFolder("busybox");
  mkdirSync(join(folder.path, "bin"));
  copyFileSync(busybox ?? "", join(folder.path, "bin/busybox"));
  for (const name of PROGRAMS) symlinkSync("busybox", join(folder.path, "bin", name));
  const tar = spawn("tar", ["-C", folder.path, "-c", "bin"], { stdio: ["ignore", "pipe", "inherit"] });
  const [repo, tag] = image.split(":");
  const changes = change === undefined ? {} : { changes: change };
  const progress = await docker.importImage(tar.stdout, { repo, tag, ...changes });
  progress.resume();
  await once(progress, "end");
  await folder.close();
  return { remove: async () => void (await docker.getImage(image).remove({ force: true })) };
}

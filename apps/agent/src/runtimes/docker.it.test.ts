import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder, requireTool } from "@skein/testing";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DockerSettings, openDockerRuntime } from "./docker.ts";
import { describeRuntime } from "./runtime.testsuite.ts";

const SOCKET = "/var/run/docker.sock";
const IMAGE = `skein-test-busybox:${process.pid}`;
const busybox = requireTool("busybox", "apt-get install busybox-static");
const docker = new Docker({ socketPath: SOCKET });
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

const PROGRAMS = [
  "sh",
  "cat",
  "cp",
  "cut",
  "date",
  "echo",
  "env",
  "grep",
  "ls",
  "readlink",
  "sleep",
  "sort",
  "touch",
  "true",
  "wc",
];
const settings: DockerSettings = {
  host: `unix://${SOCKET}`,
  agentId: `test-${process.pid}`,
  pull: "IfNotPresent",
  authFile: undefined,
  network: "none",
  user: "image",
  hasReadOnlyRoot: false,
};

describe.skipIf(!hasDocker || busybox === undefined)("a container", () => {
  beforeAll(async () => {
    const folder = createTempFolder("busybox");
    mkdirSync(join(folder.path, "bin"));
    copyFileSync(busybox ?? "", join(folder.path, "bin/busybox"));
    for (const name of PROGRAMS) symlinkSync("busybox", join(folder.path, "bin", name));
    const tar = spawn("tar", ["-C", folder.path, "-c", "bin"], { stdio: ["ignore", "pipe", "inherit"] });
    const [repo, tag] = IMAGE.split(":");
    const progress = await docker.importImage(tar.stdout, { repo, tag });
    progress.resume();
    await once(progress, "end");
    await folder.close();
  });
  afterAll(() => docker.getImage(IMAGE).remove({ force: true }));

  describeRuntime({ open: () => openDockerRuntime(settings), image: IMAGE, isIsolated: true });

  test("containers of attempts that nobody knows any more are removed", async () => {
    const create = (agentId: string, attempt: string) =>
      docker.createContainer({
        Image: IMAGE,
        Cmd: ["sleep", "100"],
        Labels: { "skein.agent": agentId, "skein.attempt": attempt },
      });
    const [known, orphan] = [await create(settings.agentId, "known"), await create(settings.agentId, "orphan")];
    const foreign = await create("another", "orphan");
    await orphan.start();
    const runtime = await openDockerRuntime(settings);
    await runtime.removeOrphans(new Set(["known"]));
    await expect(orphan.inspect()).rejects.toMatchObject({ statusCode: 404 });
    for (const kept of [known, foreign]) {
      expect((await kept.inspect()).Id).toBe(kept.id);
      await kept.remove({ force: true });
    }
    await runtime.close();
  });

  test("an image that may not be pulled is named in the failure", async () => {
    const runtime = await openDockerRuntime({ ...settings, pull: "Never" });
    const launch = { image: "nowhere.example/none:1" } as Parameters<typeof runtime.start>[0];
    const failure = await runtime.start(launch);
    expect(failure).toMatchObject({ code: "ImagePullFailed", kind: "user", recoverable: false });
    expect(failure?.message).toContain("nowhere.example/none:1");
    await runtime.close();
  });
});

test("a missing daemon is an error that says what to do", async () => {
  const host = "unix:///nowhere/docker.sock";
  await expect(openDockerRuntime({ ...settings, host })).rejects.toThrow(
    /unix:\/\/\/nowhere\/docker.sock.*DOCKER_HOST/,
  );
});

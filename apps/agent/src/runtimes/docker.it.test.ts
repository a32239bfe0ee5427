import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { dirname, join } from "node:path";
import { createTempFolder } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRunContainers, DOCKER_HOST, docker, importBusybox } from "./busybox-image.testsuite.ts";
import { type DockerSettings, openDockerRuntime } from "./docker.ts";
import { connectDocker, usualHosts } from "./docker-connection.ts";
import { describeRuntime } from "./runtime.testsuite.ts";

const IMAGE = `skein-test-busybox:${process.pid}`;
const settings: DockerSettings = {
  host: DOCKER_HOST,
  agentId: `test-${process.pid}`,
  pull: "IfNotPresent",
  authFile: undefined,
  network: "none",
  user: "auto",
  hasReadOnlyRoot: false,
};

describe.skipIf(!canRunContainers)("a container", () => {
  let image: { remove(): Promise<void> };

  beforeAll(async () => {
    image = await importBusybox(IMAGE);
  });
  afterAll(() => image?.remove());

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

test("a missing daemon is an error that says where it was looked for, and what to do", async () => {
  const host = "unix:///nowhere/docker.sock";
  const opened = openDockerRuntime({ ...settings, host });
  await expect(opened).rejects.toThrow(/unix:\/\/\/nowhere\/docker.sock is not there.*DOCKER_HOST/);
});

describe("the usual places of daemons", () => {
  const temp = createTempFolder("docker-sockets");
  const servers: Server[] = [];
  const serve = async (path: string, answer: object): Promise<void> => {
    mkdirSync(dirname(path), { recursive: true });
    const server = createServer((_, response) => response.end(JSON.stringify(answer)));
    servers.push(server);
    await once(server.listen(path), "listening");
  };
  afterAll(async () => {
    for (const server of servers) server.close();
    await temp.close();
  });

  test("are tried in turn, and the one that answers is told apart", async () => {
    await serve(join(temp.path, "podman/podman.sock"), {
      NCPU: 3,
      ServerVersion: "4.3.1",
      CgroupVersion: "2",
      SecurityOptions: ["name=seccomp", "name=rootless"],
    });
    const hosts = usualHosts(temp.path).filter((host) => host.startsWith(`unix://${temp.path}`));
    expect(hosts).toEqual([`unix://${temp.path}/docker.sock`, `unix://${temp.path}/podman/podman.sock`]);
    const { info } = await connectDocker(hosts[1], temp.path);
    expect(info).toEqual({
      host: hosts[1],
      version: "4.3.1",
      processors: 3,
      cgroupVersion: "2",
      isRootless: true,
    });
  });

  test.skipIf(process.getuid?.() !== 0)("a socket that another account owns names the group to join", () => {
    const path = join(temp.path, "docker.sock");
    mkdirSync(temp.path, { recursive: true });
    const program = `
      import { connectDocker } from ${JSON.stringify(join(import.meta.dirname, "docker-connection.ts"))};
      process.setgid(65534); process.setuid(65534);
      await connectDocker("unix://${path}", undefined).catch((error) => console.log(error.message));`;
    const listen = `require("node:http").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
    const server = spawn(process.execPath, ["-e", listen]);
    return once(server.stdout, "data")
      .then(() => {
        chmodSync(path, 0o660);
        const said = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
        expect(said).toMatch(/may not be used by the account \w+: add it to the socket's group \(usermod -aG /);
      })
      .finally(() => server.kill("SIGKILL"));
  });
});

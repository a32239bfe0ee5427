import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRunContainers, DOCKER_HOST, docker, importBusybox } from "./busybox-image.testsuite.ts";
import { type DockerSettings, openDockerRuntime } from "./docker.ts";
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

test("a missing daemon is an error that says what to do", async () => {
  const host = "unix:///nowhere/docker.sock";
  await expect(openDockerRuntime({ ...settings, host })).rejects.toThrow(
    /unix:\/\/\/nowhere\/docker.sock.*DOCKER_HOST/,
  );
});

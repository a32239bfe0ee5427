import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type OwnKubernetes, requireKubernetes, startOwnKubernetes, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLauncher } from "./launcher.testsuite.ts";

const PATIENCE = { timeoutMs: 60_000 };
/** A node controller gives a node fifty seconds before it says that it is out of touch. */
const NODE_PATIENCE = { timeoutMs: 150_000 };

/** Breaks a cluster of its own, which takes minutes. */
describe.skipIf(!requireKubernetes())("a cluster that breaks", { timeout: 400_000 }, () => {
  let cluster: OwnKubernetes;

  beforeAll(async () => {
    cluster = await startOwnKubernetes("kbreak", "10.94");
  }, 180_000);
  afterAll(() => cluster?.close(), 120_000);

  /** Kills a part of the cluster; resolves when it is gone, so that a start of the cluster starts it again. */
  const end = async (part: string) => {
    const pid = Number(readFileSync(join(cluster.folder, "run", `${part}.pid`), "utf8"));
    process.kill(pid, "SIGKILL");
    const isGone = () => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    };
    await waitFor(isGone, PATIENCE);
  };

  test("twenty pods go over a restart of the API server: none is lost, none runs twice, none is left", async () => {
    const launcher = await openLauncher({ cluster, project: "restart" });
    const script = "echo one; sleep 6; echo two";
    const launches = await Promise.all(Array.from({ length: 20 }, () => launcher.start(script)));
    const [first] = launches;
    if (!first) throw new Error("no launch");
    await waitFor(async () => (await launcher.log(first)) === "one\n", PATIENCE);
    await end("kube-apiserver");
    const late = launcher.start("true");
    await cluster.start();
    for (const launch of [...launches, await late]) {
      expect(await launcher.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 0 });
    }
    for (const launch of launches) expect(await launcher.log(launch)).toBe("one\ntwo\n");
    await Promise.all(launches.map(({ folder }) => launcher.runtime.cleanup(folder)));
    await launcher.runtime.cleanup((await late).folder);
    const left = () => cluster.kubectl("get", "pods", "-n", "restart-development", "-o", "name");
    await waitFor(async () => (await left()) === "", PATIENCE);
    await launcher.close();
  });

  test("a node that is out of touch has lost its pods, after a grace", async () => {
    const launcher = await openLauncher({ cluster, project: "lost", settings: { nodeLostSeconds: 5 } });
    const launch = await launcher.start("echo ready; sleep 1000");
    await waitFor(async () => (await launcher.log(launch)) === "ready\n", PATIENCE);
    await end("kubelet");
    const exit = await launcher.runtime.watch(launch.folder);
    expect(exit).toMatchObject({
      type: "failed",
      failure: {
        code: "NodeLost",
        kind: "system",
        recoverable: true,
        message: expect.stringMatching(/^NodeLost: .*node1/),
      },
    });
    await launcher.runtime.cleanup(launch.folder);
    const left = () => cluster.kubectl("get", "pods", "-n", "lost-development", "-o", "name");
    await waitFor(async () => (await left()) === "", NODE_PATIENCE);
    await cluster.start();
    await launcher.close();
  });
});

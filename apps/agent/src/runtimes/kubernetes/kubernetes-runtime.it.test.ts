import type { V1Pod } from "@kubernetes/client-node";
import { requireKubernetes, startKubernetes, type TestKubernetes, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCuttableWay } from "./cut-connection.testsuite.ts";
import { namespaceIn, openLauncher, type TestLauncher } from "./launcher.testsuite.ts";
import { podName } from "./pod/index.ts";
import { podTask } from "./pod/launch.testsuite.ts";

const PROJECT = `life${process.pid}`;
const NAMESPACE = namespaceIn(PROJECT);
const PATIENCE = { timeoutMs: 60_000 };
const isMissing = (found: Promise<unknown>) =>
  found.then(
    () => false,
    (error: Error) => /not found/.test(error.message),
  );
const writesAmong = (launcher: TestLauncher, name: string) =>
  launcher.requests.filter(
    ({ method, path, body }) =>
      method !== "GET" && [path.split("/").at(-1), (body as V1Pod | undefined)?.metadata?.name].includes(name),
  );

describe.skipIf(!requireKubernetes())("pods of attempts", { timeout: 120_000 }, () => {
  let cluster: TestKubernetes;
  let launcher: TestLauncher;

  beforeAll(async () => {
    cluster = await startKubernetes();
    launcher = await openLauncher({ cluster, project: PROJECT });
  }, 180_000);
  afterAll(async () => {
    await launcher?.close();
    await cluster?.kubectl("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found");
  });

  /** Pods that run at once still wait for each other's seconds: what does not disturb another goes side by side. */
  describe.concurrent("side by side", () => {
    test("an exit code reaches its watcher, and everything printed the log", async () => {
      // containerd loses some of what a container prints in its very last moment: `kubectl logs` never shows it either.
      const script =
        'echo "$GREETING"; sleep 0.3; echo oops >&2; sleep 0.3; seq 1 20000; printf "no end"; sleep 1; exit 3';
      const launch = await launcher.start(script, { environment: { GREETING: "hello" } });
      expect(await launcher.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 3 });
      const numbers = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join("");
      expect(await launcher.log(launch)).toBe(`hello\noops\n${numbers}no end`);
      expect(await launcher.runtime.whenRunning(launch.folder)).toBeGreaterThan(Date.now() - 120_000);
      expect(await launcher.runtime.imageDigest(launch.folder)).toMatch(/^sha256:[0-9a-f]{64}$/);
      await launcher.runtime.cleanup(launch.folder);
      await waitFor(() => isMissing(launcher.pod(launch)), PATIENCE);
    });

    test("an attempt costs two writes: its pod is created and deleted", async () => {
      const launch = await launcher.start("true");
      expect(await launcher.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 0 });
      await launcher.runtime.cleanup(launch.folder);
      await launcher.runtime.cleanup(launch.folder);
      const writes = writesAmong(launcher, podName(launch, { namespace: undefined }));
      expect(writes.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
    });

    test("a second start of the same attempt finds its pod", async () => {
      const launch = await launcher.start("echo once; sleep 1");
      const next = await openLauncher({ cluster, project: PROJECT });
      expect(await next.runtime.start({ ...launch, folder: launch.folder })).toBeUndefined();
      expect(await next.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 0 });
      expect(writesAmong(next, podName(launch, { namespace: undefined }))).toHaveLength(1);
      await next.close();
      await launcher.runtime.cleanup(launch.folder);
    });

    test("what a task says goes over a restart of the launcher, once", async () => {
      const first = await openLauncher({ cluster, project: `${PROJECT}a` });
      const launch = await first.start(
        "echo one; while [ ! -e /tmp/go ]; do sleep 0.1; done; sleep 0.5; echo two; exit 4",
      );
      const refused = expect(first.runtime.watch(launch.folder)).rejects.toThrow();
      await waitFor(async () => (await first.log(launch)) === "one\n", PATIENCE);
      await first.runtime.close();
      await refused;
      const second = await openLauncher({ cluster, project: `${PROJECT}a` });
      expect(await second.runtime.adopt(launch.folder)).toBe(true);
      expect(await second.runtime.adopt((await second.launchOf("")).folder)).toBe(false);
      await first.kubectl(launch, ["exec"], ["--", "touch", "/tmp/go"]);
      expect(await second.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 4 });
      expect(await second.log(launch)).toBe("one\ntwo\n");
      const third = await openLauncher({ cluster, project: `${PROJECT}a` });
      expect(await third.runtime.adopt(launch.folder)).toBe(true);
      expect(await third.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 4 });
      expect(await third.log(launch)).toBe("one\ntwo\n");
      await third.runtime.removeOrphans(new Set([launch.folder.key]));
      expect((await first.pod(launch)).metadata?.deletionTimestamp).toBeUndefined();
      await third.runtime.removeOrphans(new Set());
      await waitFor(() => isMissing(first.pod(launch)), PATIENCE);
      await Promise.all([first.close(), second.close(), third.close()]);
      await cluster.kubectl("delete", "namespace", namespaceIn(`${PROJECT}a`), "--wait=false");
    });

    test("a task that hears SIGTERM ends in its own way", async () => {
      const launch = await launcher.start("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done");
      await waitFor(async () => (await launcher.log(launch)).includes("ready"), PATIENCE);
      await launcher.runtime.stop(launch.folder, 20_000);
      expect(await launcher.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 7 });
      expect(await launcher.log(launch)).toBe("ready\nbye\n");
      await launcher.runtime.cleanup(launch.folder);
    });

    test("a task that does not hear SIGTERM is killed after the grace", async () => {
      const launch = await launcher.start("trap '' TERM; echo ready; while :; do sleep 1; done");
      await waitFor(async () => (await launcher.log(launch)).includes("ready"), PATIENCE);
      await launcher.runtime.stop(launch.folder, 1_000);
      expect(await launcher.runtime.watch(launch.folder)).toMatchObject({ type: "killed", signal: "SIGKILL" });
      await launcher.runtime.cleanup(launch.folder);
    });

    test("a task with a sidecar is over when its own container is, and leaves nothing behind", async () => {
      const image = "docker.io/library/busybox:1.35";
      const template = podTask({
        containers: [
          { name: "side", image, command: ["sleep", "1000"] },
          { name: "main", image },
        ],
      });
      const launch = await launcher.start("echo mine; exit 2", { template });
      expect(await launcher.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 2 });
      expect(await launcher.log(launch)).toBe("mine\n");
      await launcher.runtime.cleanup(launch.folder);
      await waitFor(() => isMissing(launcher.pod(launch)), PATIENCE);
    });

    test("secrets reach the task and stand nowhere in its pod, and go when it goes", async () => {
      const value = Buffer.from("open sesame");
      const secrets = [
        {
          group: "cave",
          version: "",
          key: "word",
          value,
          variables: ["_FSEC_CAVE_WORD"],
          file: "cave/word",
          fileVariable: "WORD_FILE",
        },
      ];
      const launch = await launcher.start('echo "$_FSEC_CAVE_WORD"; cat "$WORD_FILE"', { secrets });
      expect(await launcher.runtime.watch(launch.folder)).toEqual({ type: "exited", code: 0 });
      expect(await launcher.log(launch)).toBe("open sesame\nopen sesame");
      const pod = JSON.stringify(await launcher.pod(launch));
      expect(pod).not.toContain("open sesame");
      expect(pod).not.toContain(value.toString("base64"));
      const secret = ["-n", NAMESPACE, "get", "secret", podName(launch, { namespace: undefined })];
      expect(await cluster.kubectl(...secret)).toContain("Opaque");
      await launcher.runtime.cleanup(launch.folder);
      await waitFor(() => isMissing(cluster.kubectl(...secret)), PATIENCE);
    });

    test("a project's namespace has an account, bounds and a policy, and refuses pods beyond them", async () => {
      const launch = await launcher.start("true");
      await launcher.runtime.watch(launch.folder);
      await launcher.runtime.cleanup(launch.folder);
      const kinds = "serviceaccount/default,resourcequota/skein,limitrange/skein,networkpolicy/skein";
      const found = await cluster.kubectl("-n", NAMESPACE, "get", ...kinds.split(","), "-o", "name");
      expect(found.trim().split("\n")).toHaveLength(4);
      const spec = { hostNetwork: true, containers: [{ name: "a", image: "busybox" }] };
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "evil", namespace: NAMESPACE }, spec };
      await expect(cluster.apply(pod)).rejects.toThrow(/violates PodSecurity "restricted/);
    });
  });

  test("what happens while the API server is away is known when it is back", async () => {
    const way = await openCuttableWay(cluster.kubeconfig);
    const project = `${PROJECT}w`;
    const away = await openLauncher({ cluster, project, kubeconfig: way.kubeconfig });
    const forGo = "echo one; while [ ! -e /tmp/go ]; do sleep 0.1; done; sleep 0.5; echo two; exit 4";
    const [ends, deleted] = await Promise.all([away.start(forGo), away.start(forGo)]);
    await waitFor(async () => (await away.log(ends)) + (await away.log(deleted)) === "one\none\n", PATIENCE);
    way.cut();
    const starting = away.launchOf("echo late").then(async (launch) => {
      expect(await away.runtime.start(launch)).toBeUndefined();
      return launch;
    });
    await away.kubectl(ends, ["exec"], ["--", "touch", "/tmp/go"]);
    await away.kubectl(deleted, ["delete", "pod"], ["--grace-period=0", "--force"]);
    await waitFor(async () => (await away.pod(ends)).status?.phase === "Failed", PATIENCE);
    way.mend();
    expect(await away.runtime.watch(ends.folder)).toEqual({ type: "exited", code: 4 });
    expect(await away.log(ends)).toBe("one\ntwo\n");
    expect(await away.runtime.watch(deleted.folder)).toMatchObject({ failure: { code: "PodDeleted" } });
    const late = await starting;
    expect(await away.runtime.watch(late.folder)).toEqual({ type: "exited", code: 0 });
    expect(away.runtime.problem()).toBeUndefined();
    way.cut();
    const cleaning = away.runtime.cleanup(late.folder);
    way.mend();
    await cleaning;
    await waitFor(() => isMissing(away.pod(late)), PATIENCE);
    await Promise.all([away.close(), way.close()]);
    await cluster.kubectl("delete", "namespace", namespaceIn(project), "--wait=false");
  });

  test("a stop before the pod was made leaves no pod", async () => {
    const launch = await launcher.launchOf("sleep 100");
    const starting = launcher.runtime.start(launch);
    await launcher.runtime.stop(launch.folder, 1_000);
    expect(await starting).toBeUndefined();
    expect(await launcher.runtime.watch(launch.folder)).toMatchObject({
      type: expect.stringMatching(/vanished|killed/),
    });
    expect(await launcher.runtime.whenRunning(launch.folder)).toBeUndefined();
    await launcher.runtime.cleanup(launch.folder);
    await waitFor(() => isMissing(launcher.pod(launch)), PATIENCE);
  });
});

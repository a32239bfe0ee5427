import { requireKubernetes, startKubernetes, type TestKubernetes, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Launch } from "../runtime.ts";
import { namespaceIn, openLauncher, type TestLauncher } from "./launcher.testsuite.ts";
import { podName } from "./pod/index.ts";
import { type LaunchChange, podTask } from "./pod/launch.testsuite.ts";

const PROJECT = `reasons${process.pid}`;
const NAMESPACE = namespaceIn(PROJECT);
const GPU = `skein.dev/gpu-${process.pid}`;
const PRIORITY = `skein-test-${process.pid}`;
const IMAGE = "docker.io/library/busybox:1.35";
const PATIENCE = { timeoutMs: 60_000 };
const FOREVER = "trap '' TERM; echo ready; while :; do sleep 0.2; done";

/** A pod of the task's own with one more field. */
const podWith = (spec: object): LaunchChange => ({
  template: podTask({ containers: [{ name: "main", image: IMAGE }], ...spec }),
});
const asking = (resources: Readonly<Record<string, string>>): LaunchChange =>
  podWith({ containers: [{ name: "main", image: IMAGE, resources: { requests: resources, limits: resources } }] });

describe.skipIf(!requireKubernetes())("why a pod did not do its work", { timeout: 120_000 }, () => {
  let cluster: TestKubernetes;
  let launcher: TestLauncher;

  beforeAll(async () => {
    cluster = await startKubernetes();
    await cluster.kubectl(
      ...["patch", "node", "node1", "--subresource=status", "--type=merge", "-p"],
      JSON.stringify({ status: { capacity: { [GPU]: "1" }, allocatable: { [GPU]: "1" } } }),
    );
    await cluster.apply({
      ...{ apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", value: 1_000 },
      metadata: { name: PRIORITY },
    });
    launcher = await openLauncher({ cluster, project: PROJECT, rules: { deadlineSlackSeconds: 1 } });
  }, 180_000);
  afterAll(async () => {
    await launcher?.close();
    await cluster?.kubectl("delete", "priorityclass", PRIORITY, "--ignore-not-found");
    await cluster?.kubectl("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found");
    const gone = { status: { capacity: { [GPU]: null }, allocatable: { [GPU]: null } } };
    await cluster?.kubectl(
      ...["patch", "node", "node1", "--subresource=status", "--type=merge", "-p", JSON.stringify(gone)],
    );
  });

  const outcome = async (launch: Launch) => {
    const exit = await launcher.runtime.watch(launch.folder);
    await launcher.runtime.cleanup(launch.folder);
    return exit;
  };
  const failureOf = async (script: string, change: LaunchChange = {}) =>
    await outcome(await launcher.start(script, change));
  const untilReady = (launch: Launch) => waitFor(async () => (await launcher.log(launch)).includes("ready"), PATIENCE);
  const failed = (code: string, kind: "user" | "system", recoverable: boolean, message: string | RegExp) => ({
    type: "failed",
    failure: { code, kind, recoverable, message: expect.stringMatching(message) },
  });

  describe.concurrent("side by side", () => {
    test("an image that cannot be pulled, after a grace", async () => {
      const launch = await launcher.start("true", { image: "nowhere.invalid/none:1" });
      const why = /^(ImagePullBackOff|ErrImagePull): .*nowhere\.invalid\/none:1.* \(for more than 3 s\)$/s;
      expect(await outcome(launch)).toMatchObject(failed("ImagePullBackOff", "user", true, why));
      expect(launcher.reasons(launch).join("\n")).toMatch(/(ImagePullBackOff|ErrImagePull): .*nowhere\.invalid/);
    });

    test("an image that has no such name, at once", async () => {
      const exit = await failureOf("true", { image: "NOT AN IMAGE" });
      expect(exit).toMatchObject(failed("InvalidImageName", "user", false, /^InvalidImageName: .*NOT AN IMAGE/s));
    });

    test("no node that it fits on: it waits, in the scheduler's words", async () => {
      const launch = await launcher.start("true", asking({ cpu: "1000" }));
      const why = /^Unschedulable: 0\/1 nodes are available: 1 Insufficient cpu/;
      await waitFor(() => launcher.reasons(launch).some((reason) => why.test(reason)), PATIENCE);
      await launcher.runtime.stop(launch.folder, 1_000);
      expect(await outcome(launch)).toMatchObject({ type: "vanished" });
    });

    test("no node that it fits on, for longer than it may wait", async () => {
      const settings = { pendingSeconds: 2 };
      const hasty = await openLauncher({ cluster, project: PROJECT, pods: { agentId: `${PROJECT}-hasty` }, settings });
      const launch = await hasty.start("true", asking({ cpu: "1000" }));
      const exit = await hasty.runtime.watch(launch.folder);
      expect(exit).toMatchObject(failed("Unschedulable", "system", true, /^Unschedulable: 0\/1 nodes.*more than 2 s/));
      await hasty.runtime.cleanup(launch.folder);
      await hasty.close();
    });

    test("a processor of graphics that is taken, and then given", async () => {
      const first = await launcher.start(FOREVER, asking({ [GPU]: "1", cpu: "1m", memory: "8Mi" }));
      await untilReady(first);
      const second = await launcher.start("true", asking({ [GPU]: "1", cpu: "1m", memory: "8Mi" }));
      await waitFor(() => launcher.reasons(second).some((reason) => reason.includes(`Insufficient ${GPU}`)), PATIENCE);
      await launcher.runtime.cleanup(first.folder);
      expect(await outcome(second)).toEqual({ type: "exited", code: 0 });

      const low = await launcher.start(FOREVER, asking({ [GPU]: "1", cpu: "1m", memory: "8Mi" }));
      await untilReady(low);
      const container = { name: "main", image: IMAGE, resources: { limits: { [GPU]: "1", cpu: "1m", memory: "8Mi" } } };
      const high = await launcher.start("true", podWith({ priorityClassName: PRIORITY, containers: [container] }));
      expect(await outcome(low)).toMatchObject(
        failed("Preempted", "system", true, /^Preempted: a pod of higher priority/),
      );
      expect(await outcome(high)).toEqual({ type: "exited", code: 0 });
    });

    test("more memory than its limit", async () => {
      const exit = await failureOf("tail /dev/zero", asking({ cpu: "500m", memory: "16Mi" }));
      expect(exit).toMatchObject(failed("OOMKilled", "user", true, /^OOMKilled: the task used more memory/));
    });

    test("the Eviction API, as draining a node uses it", async () => {
      const launch = await launcher.start(FOREVER, podWith({ terminationGracePeriodSeconds: 1 }));
      await untilReady(launch);
      const name = podName(launch, { namespace: undefined });
      const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: NAMESPACE } };
      await cluster.create(`/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`, eviction);
      expect(await outcome(launch)).toMatchObject(failed("Evicted", "system", true, /^Evicted: somebody asked/));
    });

    test("more disk than its limit: the node throws it out", async () => {
      const volumes = [{ name: "full", emptyDir: { sizeLimit: "1Mi" } }];
      const containers = [{ name: "main", image: IMAGE, volumeMounts: [{ name: "full", mountPath: "/full" }] }];
      const script = "dd if=/dev/zero of=/full/x bs=1M count=5; while :; do sleep 0.2; done";
      const exit = await failureOf(script, podWith({ volumes, containers, terminationGracePeriodSeconds: 1 }));
      expect(exit).toMatchObject(failed("Evicted", "system", true, /^Evicted: .*exceeds the limit "1Mi"/));
    });

    test("a deadline", async () => {
      const exit = await failureOf(FOREVER, {
        ...podWith({ terminationGracePeriodSeconds: 1 }),
        grant: { timeoutMs: 1 },
      });
      expect(exit).toMatchObject(failed("DeadlineExceeded", "user", true, /^DeadlineExceeded: the pod ran for longer/));
    });

    test("a hand that deletes it", async () => {
      const launch = await launcher.start(FOREVER);
      await untilReady(launch);
      await launcher.kubectl(launch, ["delete", "pod"], ["--grace-period=1", "--wait=false"]);
      expect(await outcome(launch)).toMatchObject(failed("PodDeleted", "system", true, /^PodDeleted: somebody other/));
    });

    test("a hand that removes it by force", async () => {
      const launch = await launcher.start(FOREVER);
      await untilReady(launch);
      await launcher.kubectl(launch, ["delete", "pod"], ["--grace-period=0", "--force", "--wait=false"]);
      expect(await outcome(launch)).toMatchObject(failed("PodDeleted", "system", true, /^PodDeleted/));
    });

    test("a ConfigMap that is not there", async () => {
      const envFrom = [{ configMapRef: { name: "missing" } }];
      const exit = await failureOf("true", podWith({ containers: [{ name: "main", image: IMAGE, envFrom }] }));
      const why = /^CreateContainerConfigError: configmap "missing" not found \(for more than 3 s\)/;
      expect(exit).toMatchObject(failed("CreateContainerConfigError", "user", false, why));
    });

    test("a command that does not exist", async () => {
      const exit = await failureOf("", { command: ["/no/such/program"] });
      expect(exit).toMatchObject(failed("StartError", "user", false, /^StartError: .*\/no\/such\/program/s));
    });

    test("an init container that fails", async () => {
      const initContainers = [{ name: "first", image: IMAGE, command: ["sh", "-c", "exit 9"] }];
      const exit = await failureOf("true", podWith({ initContainers }));
      expect(exit).toMatchObject(
        failed(
          "InitContainerFailed",
          "user",
          true,
          /^InitContainerFailed: the init container first ended with exit code 9/,
        ),
      );
    });

    test("a PodTemplate that is not there", async () => {
      const template = { metadata: { podTemplateName: "mine" }, target: { case: "container" as const, value: {} } };
      const launch = await launcher.launchOf("true", { template });
      expect(await launcher.runtime.start(launch)).toMatchObject({
        ...{ code: "InvalidTask", kind: "user", recoverable: false },
        message: expect.stringContaining(`PodTemplate mine, which is not in the namespace ${NAMESPACE}`),
      });
    });

    test("a pod that Kubernetes cannot read", async () => {
      const launch = await launcher.launchOf("true", podWith({ restartPolicy: "Never", dnsPolicy: "Whenever" }));
      expect(await launcher.runtime.start(launch)).toMatchObject({
        ...{ code: "InvalidTask", kind: "user", recoverable: false },
        message: expect.stringContaining("Whenever"),
      });
    });
  });

  test("a quota that is used up: it waits until there is room", async () => {
    const tight = await openLauncher({
      ...{ cluster, project: `${PROJECT}q`, rules: { namespaces: { quota: { pods: "1" } } } },
    });
    const first = await tight.start(FOREVER);
    const second = await tight.launchOf("true");
    const starting = tight.runtime.start(second);
    await waitFor(
      () => tight.reasons(second).some((reason) => /^ResourceQuota: .*exceeded quota/.test(reason)),
      PATIENCE,
    );
    await tight.runtime.cleanup(first.folder);
    expect(await starting).toBeUndefined();
    expect(await tight.runtime.watch(second.folder)).toEqual({ type: "exited", code: 0 });
    await tight.runtime.cleanup(second.folder);
    await tight.close();
    await cluster.kubectl("delete", "namespace", namespaceIn(`${PROJECT}q`), "--wait=false");
  });
});

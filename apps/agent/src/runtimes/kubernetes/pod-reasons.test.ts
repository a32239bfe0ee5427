import type { V1Pod, V1PodStatus } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import { exitOf, exitOfGone } from "./pod-exit.ts";
import { isOutOfTouch, startedAtMs } from "./pod-status.ts";
import { waitingOf } from "./waiting-reason.ts";

/** Statuses in the shape that API servers and kubelets give them, cut to what matters. */
const pod = (status: object, metadata: object = {}): V1Pod =>
  ({
    metadata: { name: "r1-n0-0", namespace: "p-d", annotations: { primary_container_name: "main" }, ...metadata },
    status: status as V1PodStatus,
  }) as V1Pod;
const ended = (terminated: object) => ({ name: "main", state: { terminated } });
const disrupted = (reason: string, message: string) => ({
  conditions: [{ type: "DisruptionTarget", status: "True", reason, message }],
});
const LEAVING = { deletionTimestamp: "2026-01-01T00:00:30Z" };
const RUNNING = { name: "main", state: { running: { startedAt: "2026-01-01T00:00:00Z" } } };

describe("how a pod's task ended", () => {
  const cases: [string, V1Pod, string, "user" | "system" | undefined, string][] = [
    [
      "kubelet's eviction",
      pod({ phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." }),
      "Evicted",
      "system",
      "Evicted: The node was low on resource: memory.",
    ],
    [
      "graceful shutdown",
      pod({
        phase: "Failed",
        reason: "Terminated",
        message: "Pod was terminated in response to imminent node shutdown.",
      }),
      "Interrupted",
      "system",
      "Interrupted: its node was shut down (Pod was terminated in response to imminent node shutdown.)",
    ],
    [
      "preemption",
      pod(
        {
          phase: "Failed",
          containerStatuses: [ended({ exitCode: 143, reason: "Error" })],
          ...disrupted("PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"),
        },
        LEAVING,
      ),
      "Preempted",
      "system",
      "Preempted: a pod of higher priority took its place (default-scheduler: preempting to accommodate a higher priority pod)",
    ],
    [
      "taint",
      pod(
        {
          phase: "Failed",
          containerStatuses: [ended({ exitCode: 137, reason: "Error" })],
          ...disrupted("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
        },
        LEAVING,
      ),
      "Evicted",
      "system",
      "Evicted: its node became unfit for it (Taint manager: deleting due to NoExecute taint)",
    ],
    [
      "garbage collection",
      pod({ phase: "Failed", ...disrupted("DeletionByPodGC", "PodGC: node no longer exists") }),
      "NodeLost",
      "system",
      "NodeLost: its node is gone (PodGC: node no longer exists)",
    ],
    [
      "unknown end",
      pod({
        phase: "Failed",
        containerStatuses: [
          ended({
            exitCode: 137,
            reason: "ContainerStatusUnknown",
            message: "The container could not be located when the pod was terminated",
          }),
        ],
      }),
      "NodeLost",
      "system",
      "NodeLost: nobody saw how the task ended (The container could not be located when the pod was terminated)",
    ],
    [
      "admission",
      pod({ phase: "Failed", reason: "OutOfcpu", message: "Pod was rejected: Node didn't have enough resource: cpu" }),
      "OutOfcpu",
      "system",
      "OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu",
    ],
    [
      "memory",
      pod({ phase: "Failed", containerStatuses: [ended({ exitCode: 137, reason: "OOMKilled" })] }),
      "OOMKilled",
      "user",
      "OOMKilled: the task used more memory than its limit and was killed: ask for more memory",
    ],
    [
      "copilot",
      pod({
        phase: "Failed",
        initContainerStatuses: [
          { name: "flyte-copilot-downloader", state: { terminated: { exitCode: 1, message: "no such object" } } },
        ],
      }),
      "InputDownloadFailed",
      "system",
      "InputDownloadFailed: the init container flyte-copilot-downloader ended with exit code 1: no such object",
    ],
  ];
  test.each(cases)("%s", (_, seen, code, kind, message) => {
    expect(exitOf(seen, false)).toEqual({ type: "failed", failure: { code, kind, message, recoverable: true } });
  });

  test("a task that was done before its eviction is done", () => {
    const seen = pod(
      { phase: "Succeeded", containerStatuses: [ended({ exitCode: 0 })], ...disrupted("EvictionByEvictionAPI", "") },
      LEAVING,
    );
    expect(exitOf(seen, false)).toEqual({ type: "exited", code: 0 });
  });

  test("who asked for the end is not told that somebody deleted the pod", () => {
    const seen = pod({ phase: "Failed", containerStatuses: [ended({ exitCode: 143 })] }, LEAVING);
    expect(exitOf(seen, true)).toMatchObject({ type: "killed", signal: "SIGTERM" });
    expect(exitOf(seen, false)).toMatchObject({ failure: { code: "PodDeleted", kind: "system" } });
    expect(exitOfGone(pod({ phase: "Pending" }), true)).toMatchObject({ type: "vanished" });
    expect(exitOfGone(pod({ phase: "Running", containerStatuses: [RUNNING] }), false)).toMatchObject({
      failure: { code: "PodDeleted" },
    });
  });

  test("a raw container is over when its outputs are uploaded", () => {
    const uploader = (state: object) => [{ name: "flyte-copilot-uploader", state }];
    const main = [ended({ exitCode: 0 })];
    expect(
      exitOf(
        pod({ phase: "Running", initContainerStatuses: uploader({ running: {} }), containerStatuses: main }),
        false,
      ),
    ).toBeUndefined();
    expect(
      exitOf(
        pod({
          phase: "Running",
          initContainerStatuses: uploader({ terminated: { exitCode: 0 } }),
          containerStatuses: main,
        }),
        false,
      ),
    ).toEqual({ type: "exited", code: 0 });
  });

  test("what never ran has no beginning", () => {
    expect(
      startedAtMs(
        pod({ containerStatuses: [ended({ exitCode: 128, reason: "StartError", startedAt: "1970-01-01T00:00:00Z" })] }),
      ),
    ).toBeUndefined();
    expect(startedAtMs(pod({ containerStatuses: [RUNNING] }))).toBe(Date.parse("2026-01-01T00:00:00Z"));
  });

  test("a node is out of touch when only the pod's readiness is taken back", () => {
    const conditions = (reason?: string) => [
      { type: "ContainersReady", status: "True" },
      { type: "Ready", status: "False", reason },
    ];
    expect(isOutOfTouch(pod({ phase: "Running", conditions: conditions() }))).toBe(true);
    expect(isOutOfTouch(pod({ phase: "Running", conditions: conditions("ReadinessGatesNotReady") }))).toBe(false);
  });
});

describe("why a pod waits", () => {
  const LIMITS = { imagePullSeconds: 180, createSeconds: 60, pendingSeconds: 0 };
  const waiting = (name: string, reason: string, message = "") => ({
    name,
    image: "x:1",
    state: { waiting: { reason, message } },
  });
  const of = (status: object) => waitingOf(pod({ phase: "Pending", ...status }), LIMITS);

  test("for a node, in the scheduler's words and without an end", () => {
    const conditions = [
      {
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
      },
    ];
    expect(of({ conditions })).toMatchObject({
      reason: "Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
      limitSeconds: undefined,
    });
  });

  test("for an image: the user's to mend, unless the registry is at fault or the image is ours", () => {
    const pull = (name: string, message: string) => of({ containerStatuses: [waiting(name, "ErrImagePull", message)] });
    expect(pull("main", "not found")).toMatchObject({
      limitSeconds: 180,
      failure: { code: "ImagePullBackOff", kind: "user", recoverable: true },
    });
    expect(pull("main", "429 Too Many Requests")).toMatchObject({ failure: { kind: "system", recoverable: true } });
    expect(pull("flyte-copilot-uploader", "not found")).toMatchObject({
      failure: { kind: "system", recoverable: true },
    });
  });

  test("for an init container's image, though the task's own container only says that it initialises", () => {
    const status = {
      initContainerStatuses: [waiting("first", "ImagePullBackOff", "Back-off pulling image")],
      containerStatuses: [waiting("main", "PodInitializing")],
    };
    expect(of(status)).toMatchObject({ reason: "ImagePullBackOff: Back-off pulling image (container first)" });
  });

  test("for its own Secret, which is not the user's fault", () => {
    const missing = (name: string) =>
      of({ containerStatuses: [waiting("main", "CreateContainerConfigError", `secret "${name}" not found`)] });
    expect(missing("r1-n0-0")).toMatchObject({ limitSeconds: 60, failure: { kind: "system", recoverable: true } });
    expect(missing("theirs")).toMatchObject({ limitSeconds: 60, failure: { kind: "user", recoverable: false } });
  });

  test("for a node that has not heard yet what there is, which ends nothing", () => {
    const message = "failed to sync configmap cache: timed out waiting for the condition";
    const waits = of({ containerStatuses: [waiting("main", "CreateContainerConfigError", message)] });
    expect(waits).toMatchObject({ limitSeconds: undefined, isUsual: true });
  });

  test("for nothing once it runs or is over", () => {
    expect(of({ containerStatuses: [RUNNING] })).toBeUndefined();
    expect(waitingOf(pod({ phase: "Failed" }), LIMITS)).toBeUndefined();
  });
});

import type { V1ContainerStateTerminated, V1Pod } from "@kubernetes/client-node";
import type { ReportedFailure } from "@skein/contracts";
import type { Exit } from "../runtime.ts";
import { exitOfCode } from "../signals.ts";
import { DOWNLOADER, UPLOADER } from "./pod/index.ts";
import { conditionOf, isOver, isUploading, primaryStatus } from "./pod-status.ts";

const OUT_OF_MEMORY = "OOMKilled";
/** The runtime below Kubernetes could not start the command at all. */
const START_ERRORS = new Set(["StartError", "ContainerCannotRun"]);
/** Nobody saw how it ended: its node was away. */
const UNSEEN = "ContainerStatusUnknown";
const NODE_SHUTDOWN = new Set(["NodeShutdown", "Shutdown", "Terminated"]);
const PREEMPTED = new Set(["Preempting", "Preempted"]);

/**
 * How the pod's task ended; undefined while it goes on. It has ended with its own container, though sidecars may still run,
 * and not before its outputs are uploaded. `isStopped`: we asked for the end.
 */
export function exitOf(pod: V1Pod, isStopped: boolean): Exit | undefined {
  const terminated = primaryStatus(pod)?.state?.terminated;
  if (terminated) return isUploading(pod) ? undefined : exitOfPrimary(pod, terminated, isStopped);
  return isOver(pod) ? exitOfUnstarted(pod, isStopped) : undefined;
}

/** How the task of a pod ended that is no more, from the last that was seen of it. */
export function exitOfGone(pod: V1Pod, isStopped: boolean): Exit {
  const terminated = primaryStatus(pod)?.state?.terminated;
  if (terminated) return exitOfPrimary(pod, terminated, isStopped);
  if (isStopped) return { type: "vanished", message: "The pod was removed" };
  return failed(interruptionOf(pod) ?? podDeleted);
}

/** Of a pod whose node is gone: nobody will tell how it ended. */
export const nodeLost = (pod: V1Pod, isStopped: boolean): Exit =>
  isStopped
    ? { type: "vanished", message: "The pod's node does not answer" }
    : failed(system("NodeLost", `NodeLost: the node ${pod.spec?.nodeName ?? ""} does not answer any more`));

function exitOfPrimary(pod: V1Pod, terminated: V1ContainerStateTerminated, isStopped: boolean): Exit {
  const { exitCode, reason = "", message = "" } = terminated;
  if (reason === OUT_OF_MEMORY) return failed(outOfMemory);
  if (exitCode === 0) return { type: "exited", code: 0 };
  if (isStopped) return exitOfCode(exitCode);
  const interruption = interruptionOf(pod);
  if (interruption) return failed(interruption);
  if (START_ERRORS.has(reason)) {
    return failed({ code: reason, message: `${reason}: ${message}`, kind: "user", recoverable: false });
  }
  if (reason === UNSEEN) return failed(system("NodeLost", `NodeLost: nobody saw how the task ended (${message})`));
  return exitOfCode(exitCode);
}

function exitOfUnstarted(pod: V1Pod, isStopped: boolean): Exit {
  if (isStopped) return { type: "vanished", message: "The pod was stopped before its task ran" };
  const init = pod.status?.initContainerStatuses?.find(
    ({ name, state }) => name !== UPLOADER && state?.terminated && state.terminated.exitCode !== 0,
  );
  const interruption = interruptionOf(pod);
  if (interruption) return failed(interruption);
  if (init?.state?.terminated) return failed(initFailure(init.name, init.state.terminated));
  const { reason, message } = pod.status ?? {};
  const text = `${reason || "PodFailed"}: ${message || "Kubernetes does not say why"}`;
  return failed(system(reason || "PodFailed", text));
}

function initFailure(
  name: string,
  { exitCode, reason = "", message = "" }: V1ContainerStateTerminated,
): ReportedFailure {
  const what = reason === OUT_OF_MEMORY ? "used more memory than its limit" : `ended with exit code ${exitCode}`;
  const text = `the init container ${name} ${what}${message === "" ? "" : `: ${message}`}`;
  if (name === DOWNLOADER) return system("InputDownloadFailed", `InputDownloadFailed: ${text}`);
  const code = reason === OUT_OF_MEMORY ? OUT_OF_MEMORY : "InitContainerFailed";
  return { code, message: `${code}: ${text}`, kind: "user", recoverable: true };
}

/** What ended the pod from outside; undefined when it ended by itself. */
function interruptionOf(pod: V1Pod): ReportedFailure | undefined {
  const { reason = "", message = "" } = pod.status ?? {};
  const words = message === "" ? "Kubernetes does not say more" : message;
  if (reason === "DeadlineExceeded") {
    const text = `DeadlineExceeded: the pod ran for longer than it may (${words})`;
    return { code: reason, message: text, kind: "user", recoverable: true };
  }
  if (reason === "Evicted") return system("Evicted", `Evicted: ${words}`);
  if (reason === "NodeLost") return system("NodeLost", `NodeLost: ${words}`);
  if (PREEMPTED.has(reason)) return system("Preempted", `Preempted: ${words}`);
  if (NODE_SHUTDOWN.has(reason)) return system("Interrupted", `Interrupted: its node was shut down (${words})`);
  const disruption = conditionOf(pod, "DisruptionTarget");
  if (disruption?.status === "True") return disrupted(disruption.reason ?? "", disruption.message ?? "");
  return pod.metadata?.deletionTimestamp === undefined ? undefined : podDeleted;
}

function disrupted(reason: string, message: string): ReportedFailure {
  const words = message === "" ? reason : message;
  switch (reason) {
    case "EvictionByEvictionAPI":
      return system("Evicted", `Evicted: somebody asked for the pod's eviction, as draining its node does (${words})`);
    case "PreemptionByScheduler":
      return system("Preempted", `Preempted: a pod of higher priority took its place (${words})`);
    case "DeletionByTaintManager":
      return system("Evicted", `Evicted: its node became unfit for it (${words})`);
    case "DeletionByPodGC":
      return system("NodeLost", `NodeLost: its node is gone (${words})`);
    default:
      return system("Interrupted", `Interrupted: ${words}`);
  }
}

const system = (code: string, message: string): ReportedFailure => ({
  code,
  message,
  kind: "system",
  recoverable: true,
});

const failed = (failure: ReportedFailure): Exit => ({ type: "failed", failure });

const podDeleted = system("PodDeleted", "PodDeleted: somebody other than Skein deleted the pod");

/** The user's to mend, as with Flyte. */
const outOfMemory: ReportedFailure = {
  code: OUT_OF_MEMORY,
  message: "OOMKilled: the task used more memory than its limit and was killed: ask for more memory",
  kind: "user",
  recoverable: true,
};

import type { V1ContainerStateWaiting, V1Pod } from "@kubernetes/client-node";
import type { ReportedFailure } from "@skein/contracts";
import { DOWNLOADER, primaryContainerOf, UPLOADER } from "./pod/index.ts";
import { allStatuses, conditionOf, isOver } from "./pod-status.ts";

/** How long a pod may wait for something that may pass, or never. */
export interface WaitingLimits {
  readonly imagePullSeconds: number;
  readonly createSeconds: number;
  /** For anything that is no error, a free node above all; 0: for ever. */
  readonly pendingSeconds: number;
}

/** Why a pod's task does not run yet. */
export interface Waiting {
  /** In words for people. */
  readonly reason: string;
  /** Every pod goes through it. */
  readonly isUsual: boolean;
  /** What becomes of the attempt once it waited for so long; undefined: it goes on waiting. */
  readonly limitSeconds: number | undefined;
  readonly failure: ReportedFailure;
}

const IMAGE_PULL = new Set(["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError"]);
const REGISTRY_UNAVAILABLE = new Set(["RegistryUnavailable"]);
const CREATE = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "PreCreateHookError",
  "RunContainerError",
]);
/** What every container says before it runs. */
const USUAL = new Set(["ContainerCreating", "PodInitializing", ""]);
/** A node that has not heard yet what is there; it asks again, and then says what is not. */
const NOT_HEARD_YET = /failed to sync \w+ cache/;
const TOO_MANY_REQUESTS = /429 Too Many Requests|toomanyrequests/i;

/** What keeps the pod's task from running; undefined when it runs, is over, or nothing is known. */
export function waitingOf(pod: V1Pod, limits: WaitingLimits): Waiting | undefined {
  if (isOver(pod)) return undefined;
  const statuses = allStatuses(pod);
  const primary = primaryContainerOf(pod);
  const begun = statuses.find(({ name }) => name === primary)?.state;
  if (begun?.running || begun?.terminated) return undefined;
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False") return pending(`${scheduled.reason}: ${scheduled.message ?? ""}`, limits);
  for (const { name, image, state } of statuses) {
    const { waiting } = state ?? {};
    if (waiting && !USUAL.has(waiting.reason ?? "")) return ofContainer(pod, name, image, waiting, limits);
  }
  const initialising = pod.status?.initContainerStatuses?.find(
    ({ name, state }) => state?.running && name !== UPLOADER && name !== primary,
  );
  if (initialising) return pending(`Initializing: ${initialising.name} has not ended yet`, limits, true);
  if (statuses.length === 0)
    return scheduled ? pending("Scheduled: its node has not taken it up yet", limits, true) : undefined;
  return pending("ContainerCreating: its node pulls images and mounts volumes", limits, true);
}

function pending(reason: string, { pendingSeconds }: WaitingLimits, isUsual = false): Waiting {
  const code = /^\w+/.exec(reason)?.[0] ?? "Pending";
  const message = `${reason} (waited for more than ${pendingSeconds} s)`;
  return {
    reason,
    isUsual,
    limitSeconds: pendingSeconds === 0 ? undefined : pendingSeconds,
    failure: { code, message, kind: "system", recoverable: true },
  };
}

function ofContainer(
  pod: V1Pod,
  name: string,
  image: string,
  { reason: code = "", message = "" }: V1ContainerStateWaiting,
  limits: WaitingLimits,
): Waiting {
  const isOurs = name === DOWNLOADER || name === UPLOADER;
  const isPrimary = name === primaryContainerOf(pod);
  const reason = `${code}: ${message || image}${isPrimary ? "" : ` (container ${name})`}`;
  const failing = (limitSeconds: number, kind: ReportedFailure["kind"], recoverable: boolean): Waiting => {
    const text = limitSeconds === 0 ? reason : `${reason} (for more than ${limitSeconds} s)`;
    const failure = {
      // Which of the two it is just now is chance.
      code: code === "ErrImagePull" ? "ImagePullBackOff" : code,
      message: text,
      kind: isOurs ? ("system" as const) : kind,
      recoverable: isOurs || recoverable,
    };
    return { reason, isUsual: false, limitSeconds, failure };
  };
  if (code === "InvalidImageName") return failing(0, "user", false);
  if (REGISTRY_UNAVAILABLE.has(code) || (IMAGE_PULL.has(code) && TOO_MANY_REQUESTS.test(message))) {
    return failing(limits.imagePullSeconds, "system", true);
  }
  if (IMAGE_PULL.has(code)) return failing(limits.imagePullSeconds, "user", true);
  if (CREATE.has(code) && NOT_HEARD_YET.test(message)) return pending(reason, limits, true);
  if (CREATE.has(code)) {
    // Its own Secret is made right after the pod, unless the launcher died in between.
    const isSecretMissing = message.includes(`"${pod.metadata?.name}"`) || message.includes(`/${pod.metadata?.name}`);
    return isSecretMissing
      ? failing(limits.createSeconds, "system", true)
      : failing(limits.createSeconds, "user", false);
  }
  return pending(reason, limits);
}

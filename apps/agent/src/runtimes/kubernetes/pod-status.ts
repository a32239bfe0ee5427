import type { V1ContainerStatus, V1Pod, V1PodCondition } from "@kubernetes/client-node";
import { primaryContainerOf, UPLOADER } from "./pod/index.ts";

/** The container whose end is the task's. */
export function primaryStatus(pod: V1Pod): V1ContainerStatus | undefined {
  const name = primaryContainerOf(pod);
  return pod.status?.containerStatuses?.find((status) => status.name === name);
}

/** Init containers first: nothing else runs before they are through. */
export const allStatuses = ({ status }: V1Pod): V1ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

export const conditionOf = ({ status }: V1Pod, type: string): V1PodCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

export const isOver = ({ status }: V1Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

/** Whether the outputs of a raw container are still on their way. */
export function isUploading(pod: V1Pod): boolean {
  const uploader = pod.status?.initContainerStatuses?.find(({ name }) => name === UPLOADER);
  return uploader?.state?.running !== undefined && !isOver(pod);
}

/** When user code began, epoch ms; undefined when it did not. */
export function startedAtMs(pod: V1Pod): number | undefined {
  const { running, terminated } = primaryStatus(pod)?.state ?? {};
  // What never ran has an end all the same, at the beginning of time.
  const ms = timeOf(running?.startedAt ?? terminated?.startedAt);
  return ms !== undefined && ms > 0 ? ms : undefined;
}

/** `sha256:…`, what the image's name stood for. */
export const digestOf = (pod: V1Pod): string | undefined =>
  /sha256:[0-9a-f]{64}/.exec(primaryStatus(pod)?.imageID ?? "")?.[0];

/** When the pod will have been killed that somebody deleted, epoch ms. */
export const deadlineOf = ({ metadata }: V1Pod): number | undefined => timeOf(metadata?.deletionTimestamp);

/**
 * Whether the node controller lost touch with the pod's node: it says so by nothing but `Ready`, which a kubelet would only
 * take back together with a container's readiness.
 */
export function isOutOfTouch(pod: V1Pod): boolean {
  const ready = conditionOf(pod, "Ready");
  return (
    pod.status?.phase === "Running" &&
    ready?.status === "False" &&
    !ready.reason &&
    conditionOf(pod, "ContainersReady")?.status === "True"
  );
}

/** The client's types promise a Date; JSON has a text. */
function timeOf(value: unknown): number | undefined {
  const ms = Date.parse(String(value));
  return Number.isNaN(ms) ? undefined : ms;
}

import { createHash } from "node:crypto";
import type { V1Pod } from "@kubernetes/client-node";
import { type AttemptId, type ClaimGrant, readAttemptKey } from "@skein/contracts";
import type { TaskTemplate } from "@skein/idl/core";
import type { AttemptFolder } from "../../../ledger/attempt-folder.ts";

/** Which agent's pod it is: see `agentLabel`. */
export const AGENT_LABEL = "skein.dev/agent";
/** The attempt's key. */
export const ATTEMPT_LABEL = "skein.dev/attempt";
/** Prefix of labels and annotations that are ours alone. */
export const OWN_PREFIX = "skein.dev/";
/** Names the container whose end is the task's, as Flyte does. */
export const PRIMARY_ANNOTATION = "primary_container_name";

const LABEL_MAX = 63;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
/** As many as Flyte's. */
const SHARD_KEYS = 32;

/** Whether Kubernetes takes it as the name of a label or an annotation. */
export const isLabelName = (name: string): boolean => LABEL_NAME.test(name);

/** Whether Kubernetes takes it as the value of a label. */
export const isLabelValue = (value: string): boolean => value.length <= LABEL_MAX && LABEL_VALUE.test(value);

/** The value that marks this agent's pods; any agent id has one of its own. */
export const agentLabel = (agentId: string): string =>
  isLabelValue(agentId) && agentId !== ""
    ? agentId
    : `${sanitised(agentId.slice(0, 40)) || "agent"}-${shortHash(agentId)}`;

/** Whose pod it is; undefined for pods that we did not make. */
export function attemptOf(pod: V1Pod): AttemptId | undefined {
  return readAttemptKey(pod.metadata?.labels?.[ATTEMPT_LABEL] ?? "");
}

/** Which of the pod's containers is the task; undefined for pods that we did not make. */
export const primaryContainerOf = (pod: V1Pod): string | undefined => pod.metadata?.annotations?.[PRIMARY_ANNOTATION];

/** A short, steady stand-in for any text. */
export const shortHash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 10);

/** Labels that the run was launched with: values as near as Kubernetes allows, and none whose name it forbids. */
export function runLabels(grant: ClaimGrant): Record<string, string> {
  const entries = Object.entries(grant.labels).filter(([name]) => isLabelName(name) && !name.startsWith(OWN_PREFIX));
  return Object.fromEntries(entries.map(([name, value]) => [name, sanitised(value)]));
}

/** Labels by which people and other programs find an attempt's pod, under the names that Flyte gives them. */
export function platformLabels(
  folder: AttemptFolder,
  grant: ClaimGrant,
  template: TaskTemplate,
  agentId: string,
): Record<string, string> {
  const [, , workflow = ""] = grant.workflowKey.split(":");
  return {
    "execution-id": sanitised(grant.runName),
    project: sanitised(grant.project),
    domain: sanitised(grant.domain),
    "workflow-name": flyteName(workflow),
    "node-id": flyteName(grant.actionName),
    "task-name": flyteName(template.id?.name ?? ""),
    "shard-key": String(fnv32a(grant.runName) % SHARD_KEYS),
    interruptible: String(grant.interruptible),
    "flyte.org/workflow-execution": sanitised(grant.runName),
    "app.kubernetes.io/name": "skein-task",
    "app.kubernetes.io/managed-by": "skein",
    [AGENT_LABEL]: agentLabel(agentId),
    [ATTEMPT_LABEL]: folder.key,
  };
}

/** The nearest text that a label may hold. */
export const sanitised = (value: string): string =>
  isLabelValue(value) ? value : trimmed(value.replace(/[^-A-Za-z0-9_.]+/g, "-"));

/** Flyte's own rule for names of code: small letters, digits and dashes. */
const flyteName = (name: string): string => trimmed(name.toLowerCase().replace(/[^-a-z0-9]+/g, "-"));

const trimmed = (text: string): string =>
  text
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, LABEL_MAX)
    .replace(/[^A-Za-z0-9]+$/, "");

function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

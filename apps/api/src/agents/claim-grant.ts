import { createHash } from "node:crypto";
import type { AttemptId, ClaimGrant } from "@skein/contracts";
import type { ClaimedAttempt } from "@skein/db";
import { fromBytes, toBytes } from "@skein/idl";
import { type ExecutionSpec, ExecutionSpecSchema } from "@skein/idl/admin";
import { type Node, type TaskTemplate, TaskTemplateSchema } from "@skein/idl/core";
import { attemptOutputPrefix, type Storage } from "@skein/storage";

const CHECKPOINT_FOLDER = "_flytecheckpoints";

/** All an agent needs to start user code, put together from rows. */
export function claimGrant(
  storage: Pick<Storage, "join">,
  id: AttemptId,
  claimed: ClaimedAttempt,
  template: TaskTemplate,
  node: Node | undefined,
): ClaimGrant {
  const spec = fromBytes(ExecutionSpecSchema, claimed.runSpec);
  const { project, domain, runName, actionName } = claimed;
  const rawRoot = spec.rawOutputDataConfig?.outputLocationPrefix || storage.join("raw");
  return {
    taskTemplate: Buffer.from(toBytes(TaskTemplateSchema, template)).toString("base64"),
    inputs: inputsOf(claimed),
    org: claimed.org,
    project,
    domain,
    runName,
    actionName,
    workflowKey: claimed.workflowKey,
    environment: Object.fromEntries((spec.envs?.values ?? []).map(({ key, value }) => [key, value])),
    outputPrefix: attemptOutputPrefix(storage, { project, domain, runName, actionName, attempt: id.attempt }),
    rawOutputPrefix: rawOutputPrefix(rawRoot, claimed, id.attempt),
    previousCheckpointPrefix:
      id.attempt === 0 ? null : `${rawOutputPrefix(rawRoot, claimed, id.attempt - 1)}/${CHECKPOINT_FOLDER}`,
    arrayIndex: null,
    platform: null,
    labels: { ...spec.labels?.values },
    annotations: { ...spec.annotations?.values },
    interruptible: isInterruptible(spec, template, node),
    timeoutMs: timeoutMs(node?.metadata?.timeout ?? template.metadata?.timeout),
  };
}

function inputsOf({ inputs }: ClaimedAttempt): ClaimGrant["inputs"] {
  if (inputs && inputs.uri !== null) return { uri: inputs.uri, sizeBytes: inputs.sizeBytes };
  return { data: Buffer.from(inputs?.data ?? []).toString("base64") };
}

/** Spread over 256 folders, because object stores limit requests per prefix. */
function rawOutputPrefix(rawRoot: string, { runName, actionName }: ClaimedAttempt, attempt: number): string {
  const name = `${runName}-${actionName}-${attempt}`;
  const shard = createHash("sha256").update(name).digest("hex").slice(0, 2);
  return `${rawRoot.replace(/\/+$/, "")}/${shard}/${name}`;
}

/** The run's word beats the node's, and the node's beats the task's. */
function isInterruptible(spec: ExecutionSpec, template: TaskTemplate, node: Node | undefined): boolean {
  if (spec.interruptible !== undefined) return spec.interruptible;
  const ofNode = node?.metadata?.interruptibleValue;
  if (ofNode?.case === "interruptible") return ofNode.value;
  const ofTask = template.metadata?.interruptibleValue;
  return ofTask?.case === "interruptible" && ofTask.value;
}

function timeoutMs(timeout: { readonly seconds: bigint; readonly nanos: number } | undefined): number {
  return timeout ? Number(timeout.seconds) * 1_000 + Math.ceil(timeout.nanos / 1e6) : 0;
}

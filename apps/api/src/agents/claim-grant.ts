import type { AttemptId, ClaimGrant } from "@skein/contracts";
import type { ClaimedAttempt } from "@skein/db";
import { fromBytes, toBytes } from "@skein/idl";
import { type ExecutionSpec, ExecutionSpecSchema } from "@skein/idl/admin";
import { type Node, type TaskTemplate, TaskTemplateSchema } from "@skein/idl/core";
import { attemptOutputPrefix, type Storage } from "@skein/storage";
import { rawOutputPrefix, rawRootOf } from "./raw-output.ts";
import type { LocatedTask } from "./task-lookup.ts";

/** What a grant holds beside what the rows and the graph say. */
export type GrantExtras = Pick<ClaimGrant, "inputs" | "previousCheckpointPrefix" | "platform" | "secrets">;

/** All an agent needs to start user code, put together. */
export function claimGrant(
  storage: Pick<Storage, "join">,
  id: AttemptId,
  claimed: ClaimedAttempt,
  { template, node }: LocatedTask,
  extras: GrantExtras,
): ClaimGrant {
  const spec = fromBytes(ExecutionSpecSchema, claimed.runSpec);
  const { project, domain, runName, actionName } = claimed;
  return {
    ...extras,
    taskTemplate: Buffer.from(toBytes(TaskTemplateSchema, template)).toString("base64"),
    org: claimed.org,
    project,
    domain,
    runName,
    actionName,
    workflowKey: claimed.workflowKey,
    environment: Object.fromEntries((spec.envs?.values ?? []).map(({ key, value }) => [key, value])),
    outputPrefix: attemptOutputPrefix(storage, { project, domain, runName, actionName, attempt: id.attempt }),
    rawOutputPrefix: rawOutputPrefix(rawRootOf(storage, claimed, claimed.runSpec), claimed, id.attempt),
    arrayIndex: claimed.itemIndex,
    storeCredentials: null,
    labels: { ...spec.labels?.values },
    annotations: { ...spec.annotations?.values },
    interruptible: isInterruptible(spec, template, node),
    serviceAccount: serviceAccountOf(spec),
    timeoutMs: timeoutMs(node?.metadata?.timeout ?? template.metadata?.timeout),
  };
}

/** Older clients name it beside the security context. */
const serviceAccountOf = (spec: ExecutionSpec): string =>
  spec.securityContext?.runAs?.k8sServiceAccount || spec.authRole?.kubernetesServiceAccount || "";

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

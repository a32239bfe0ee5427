import type { AttemptId, ClaimGrant } from "@skein/contracts";
import type { ClaimedAttempt } from "@skein/db";
import { DEFAULT_POLICY, growthsOf, parseMemoryGrowth, taskMemory } from "@skein/engine";
import { fromBytes, toBytes } from "@skein/idl";
import { type ExecutionSpec, ExecutionSpecSchema } from "@skein/idl/admin";
import { type TaskTemplate, TaskTemplateSchema } from "@skein/idl/core";
import { type TaskResources, withTaskResources } from "@skein/launch";
import { attemptOutputPrefix, type Storage } from "@skein/storage";
import { grownTemplate } from "./grown-template.ts";
import { rawOutputPrefix, rawRootOf } from "./raw-output.ts";
import type { LocatedTask } from "./task-lookup.ts";

/** What a grant holds beside what the rows and the graph say. */
export type GrantExtras = Pick<ClaimGrant, "inputs" | "previousCheckpointPrefix" | "platform" | "secrets" | "policy">;

/** All an agent needs to start user code, put together. */
export function claimGrant(
  storage: Pick<Storage, "join">,
  id: AttemptId,
  claimed: ClaimedAttempt,
  task: LocatedTask,
  bounds: TaskResources,
  extras: GrantExtras,
): ClaimGrant {
  const spec = fromBytes(ExecutionSpecSchema, claimed.runSpec);
  const { template, node } = task;
  const { project, domain, runName, actionName } = claimed;
  return {
    ...extras,
    taskTemplate: Buffer.from(toBytes(TaskTemplateSchema, templateNow(template, claimed, bounds))).toString("base64"),
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
    interruptible: isInterruptible(spec, task) && !isLastTry(claimed),
    serviceAccount: serviceAccountOf(spec),
    timeoutMs: timeoutMs(node?.metadata?.timeout ?? template.metadata?.timeout),
  };
}

/** Older clients name it beside the security context. */
const serviceAccountOf = (spec: ExecutionSpec): string =>
  spec.securityContext?.runAs?.k8sServiceAccount || spec.authRole?.kubernetesServiceAccount || "";

/** The task as this attempt runs it: within what is set for its project, before its memory has grown and after. */
function templateNow(template: TaskTemplate, claimed: ClaimedAttempt, bounds: TaskResources): TaskTemplate {
  const bounded = withTaskResources(template, bounds);
  const grown = withGrownMemory(bounded, claimed);
  return grown === bounded ? bounded : withTaskResources(grown, bounds);
}

/** After attempts that ran out of memory, the next one has more. */
function withGrownMemory(template: TaskTemplate, claimed: ClaimedAttempt): TaskTemplate {
  const times = growthsOf(claimed);
  if (times === 0) return template;
  const growth = parseMemoryGrowth(claimed.memoryGrowth) ?? taskMemory(template, undefined)?.growth;
  return growth ? grownTemplate(template, growth, times) : template;
}

/** The run's word beats the node's, the node's beats the task's, and that the workflow's. */
function isInterruptible(spec: ExecutionSpec, { template, node, isInterruptible: byDefault }: LocatedTask): boolean {
  if (spec.interruptible !== undefined) return spec.interruptible;
  const ofNode = node?.metadata?.interruptibleValue;
  if (ofNode?.case === "interruptible") return ofNode.value;
  const ofTask = template.metadata?.interruptibleValue;
  return ofTask?.case === "interruptible" ? ofTask.value : byDefault;
}

/**
 * Whether one more system failure ends the action: then it runs where nobody takes its machine away, as with Flyte's
 * `interruptible-failure-threshold` of -1.
 */
const isLastTry = ({ systemFailures }: ClaimedAttempt): boolean => systemFailures >= DEFAULT_POLICY.systemRetriesMax;

function timeoutMs(timeout: { readonly seconds: bigint; readonly nanos: number } | undefined): number {
  return timeout ? Number(timeout.seconds) * 1_000 + Math.ceil(timeout.nanos / 1e6) : 0;
}

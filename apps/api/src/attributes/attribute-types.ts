import type { AttributeType } from "@skein/db";
import { type MatchableResource, MatchableResource as Resource } from "@skein/idl/admin";
import type { PolicyKind } from "@skein/launch";
import { invalid } from "../registry/identity.ts";

/** One kind of policy in its three spellings: rows', messages' and requests'. */
const TYPES: readonly (readonly [AttributeType, PolicyKind, MatchableResource])[] = [
  ["task_resource", "taskResourceAttributes", Resource.TASK_RESOURCE],
  ["cluster_resource", "clusterResourceAttributes", Resource.CLUSTER_RESOURCE],
  ["execution_queue", "executionQueueAttributes", Resource.EXECUTION_QUEUE],
  ["execution_cluster_label", "executionClusterLabel", Resource.EXECUTION_CLUSTER_LABEL],
  ["quality_of_service_specification", "qualityOfService", Resource.QUALITY_OF_SERVICE_SPECIFICATION],
  ["plugin_override", "pluginOverrides", Resource.PLUGIN_OVERRIDE],
  ["workflow_execution_config", "workflowExecutionConfig", Resource.WORKFLOW_EXECUTION_CONFIG],
  ["cluster_assignment", "clusterAssignment", Resource.CLUSTER_ASSIGNMENT],
];

/** The row's type of what a message holds. */
export function typeOfKind(kind: PolicyKind | undefined): AttributeType {
  const found = TYPES.find(([, of]) => of === kind);
  if (found) return found[0];
  throw invalid("matching_attributes", `hold no attributes: give one of ${TYPES.map(([, of]) => of).join(", ")}`);
}

/** The row's type of what a request asks for. */
export function typeOfResource(resource: MatchableResource): AttributeType {
  const found = TYPES.find(([, , of]) => of === resource);
  if (found) return found[0];
  throw invalid("resource_type", `is ${resource}: use one of ${TYPES.map(([, , of]) => Resource[of]).join(", ")}`);
}

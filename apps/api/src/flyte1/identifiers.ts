import type { NameId, VersionId } from "@skein/db";
import type { NamedEntityIdentifier } from "@skein/idl/admin";
import {
  type Identifier,
  type NodeExecutionIdentifier,
  type ResourceType,
  type TaskExecutionIdentifier,
  ResourceType as Type,
  type WorkflowExecutionIdentifier,
} from "@skein/idl/core";
import { invalid, readEntityKey } from "../registry/identity.ts";
import type { ActionId, AttemptId } from "../runs/action-service.ts";

/** The identifier of a request. A type may be left out, but not be another one than the method's. */
export function readVersionId(id: Identifier | undefined, expected: ResourceType): VersionId {
  if (!id) throw invalid("id", "is missing: name project, domain, name and version");
  if (id.resourceType !== expected && id.resourceType !== Type.UNSPECIFIED) {
    const shown = Type[id.resourceType] ?? id.resourceType;
    throw invalid("id.resource_type", `is ${shown}: this call takes ${Type[expected]}`);
  }
  return { project: id.project, domain: id.domain, name: id.name, version: id.version };
}

export function readNameId(id: NamedEntityIdentifier | undefined): NameId {
  if (!id) throw invalid("id", "is missing: name project, domain and name");
  return { project: id.project, domain: id.domain, name: id.name };
}

export function readRunId(id: WorkflowExecutionIdentifier | undefined, field = "id"): NameId {
  if (!id) throw invalid(field, "is missing: name project, domain and name of the execution");
  return { project: id.project, domain: id.domain, name: id.name };
}

export function readActionId(id: NodeExecutionIdentifier | undefined, field = "id"): ActionId {
  if (!id) throw invalid(field, "is missing: name the execution and the node");
  return { ...readRunId(id.executionId, `${field}.execution_id`), action: id.nodeId };
}

export function readAttemptId(id: TaskExecutionIdentifier | undefined): AttemptId {
  if (!id) throw invalid("id", "is missing: name the task, the node execution and the attempt");
  return { ...readActionId(id.nodeExecutionId, "id.node_execution_id"), attempt: id.retryAttempt };
}

/** Flyte's identifier as a plain object, for answers. */
export const versionIdentifier = (resourceType: ResourceType, { project, domain, name, version }: VersionId) => ({
  resourceType,
  project,
  domain,
  name,
  version,
});

/** The task of an action, from the key in its row. */
export const taskIdentifier = (taskKey: string) => versionIdentifier(Type.TASK, readEntityKey(taskKey));

export const nodeIdentifier = ({ project, domain, name, action }: ActionId) => ({
  nodeId: action,
  executionId: { project, domain, name },
});

import type { CacheMetadata, VersionId } from "@skein/db";
import { cacheDatasetName } from "@skein/engine";
import { ResourceType } from "@skein/idl/core";

const TASK_PREFIX = cacheDatasetName("");
/** What the catalog's own clients put in for what they do not know. */
const UNKNOWN = "unknown";

/** The task whose outputs a dataset holds; undefined for datasets that are not a task's. */
export function sourceTask(dataset: Omit<VersionId, "version">, { keyMap }: CacheMetadata) {
  if (!dataset.name.startsWith(TASK_PREFIX)) return undefined;
  return {
    resourceType: ResourceType.TASK,
    project: dataset.project,
    domain: dataset.domain,
    name: dataset.name.slice(TASK_PREFIX.length),
    version: keyMap?.["task-version"] ?? UNKNOWN,
  };
}

/** The attempt that computed an entry, from the words that its maker left; undefined where it left none. */
export function sourceAttempt(dataset: Omit<VersionId, "version">, { keyMap = {} }: CacheMetadata) {
  if (keyMap["exec-name"] === undefined) return undefined;
  return {
    retryAttempt: Number.parseInt(keyMap["exec-attempt"] ?? "", 10) || 0,
    nodeExecutionId: {
      nodeId: keyMap["exec-node"] ?? UNKNOWN,
      executionId: {
        project: keyMap["exec-project"] ?? dataset.project,
        domain: keyMap["exec-domain"] ?? dataset.domain,
        name: keyMap["exec-name"],
      },
    },
  };
}

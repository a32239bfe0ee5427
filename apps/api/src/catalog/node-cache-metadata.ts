import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ActionRow, CacheSource } from "@skein/db";
import { cacheAddress } from "@skein/engine";
import type { TaskNodeMetadataSchema } from "@skein/idl/admin";
import { ResourceType } from "@skein/idl/core";
import { CACHE_STATUS } from "../flyte1/cache-status.ts";
import { sourceAttempt, sourceTask } from "./cache-source.ts";

/**
 * What the cache did for a task: how it ended, under which key, and once its outputs come from an entry, or went to one,
 * which attempt computed that. Of an entry that was evicted only the key is left.
 */
export function nodeCacheMetadata(
  { taskKey, cacheKey, cacheStatus, cacheEntryId }: ActionRow,
  sources: ReadonlyMap<string, CacheSource>,
): MessageInitShape<typeof TaskNodeMetadataSchema> {
  if (taskKey === null || cacheKey === null) return { cacheStatus: CACHE_STATUS[cacheStatus] };
  const { project, domain, datasetName: name, datasetVersion: version, tag } = cacheAddress(taskKey, cacheKey);
  const dataset = { project, domain, name, version };
  const source = cacheEntryId === null ? undefined : sources.get(cacheEntryId);
  const attempt = source && sourceAttempt(dataset, source.metadata);
  const taskId = source && sourceTask(dataset, source.datasetMetadata);
  return {
    cacheStatus: CACHE_STATUS[cacheStatus],
    catalogKey: {
      datasetId: { resourceType: ResourceType.DATASET, ...dataset },
      artifactTag: { artifactId: cacheEntryId ?? "", name: tag },
      ...(attempt && {
        sourceExecution: { case: "sourceTaskExecution", value: { ...attempt, ...(taskId && { taskId }) } },
      }),
    },
  };
}

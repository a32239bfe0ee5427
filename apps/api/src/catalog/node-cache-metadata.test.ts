import type { ActionRow, CacheSource } from "@skein/db";
import type { CacheStatus } from "@skein/engine";
import { CatalogCacheStatus, ResourceType } from "@skein/idl/core";
import { expect, test } from "vitest";
import { nodeCacheMetadata } from "./node-cache-metadata.ts";

const TAG = "flyte_cached-abc";
const TENANT = { project: "p", domain: "d" };
const DATASET = {
  resourceType: ResourceType.DATASET,
  ...TENANT,
  name: "flyte_task-m.square",
  version: "1/0-aaaaaaaa-bbbbbbbb",
};

const action = (cacheStatus: CacheStatus, cacheKey: string | null, cacheEntryId: string | null) =>
  ({ taskKey: "p:d:m.square:v2", cacheStatus, cacheKey, cacheEntryId }) as ActionRow;
const sources = (source: Partial<CacheSource>) =>
  new Map([["e1", { entryId: "e1", metadata: {}, datasetMetadata: {}, ...source }]]);

test("a task that is not cached has a status and no key", () => {
  expect(nodeCacheMetadata(action("disabled", null, null), new Map())).toEqual({
    cacheStatus: CatalogCacheStatus.CACHE_DISABLED,
  });
});

test("a hit names the attempt that computed it, of the task version that it was", () => {
  const keyMap = {
    "exec-project": "p",
    "exec-domain": "staging",
    "exec-name": "r1",
    "exec-node": "n3",
    "exec-attempt": "2",
  };
  const from = sources({ metadata: { keyMap }, datasetMetadata: { keyMap: { "task-version": "v1" } } });
  expect(nodeCacheMetadata(action("hit", `${DATASET.version}/${TAG}`, "e1"), from)).toEqual({
    cacheStatus: CatalogCacheStatus.CACHE_HIT,
    catalogKey: {
      datasetId: DATASET,
      artifactTag: { artifactId: "e1", name: TAG },
      sourceExecution: {
        case: "sourceTaskExecution",
        value: {
          taskId: { resourceType: ResourceType.TASK, ...TENANT, name: "m.square", version: "v1" },
          nodeExecutionId: { nodeId: "n3", executionId: { project: "p", domain: "staging", name: "r1" } },
          retryAttempt: 2,
        },
      },
    },
  });
});

test("what a client stored, and what was evicted, has a key and no source", () => {
  const key = { datasetId: DATASET, artifactTag: { artifactId: "e1", name: TAG } };
  const hit = action("hit", `${DATASET.version}/${TAG}`, "e1");
  expect(nodeCacheMetadata(hit, sources({ metadata: { keyMap: { mine: "x" } } }))).toEqual({
    cacheStatus: CatalogCacheStatus.CACHE_HIT,
    catalogKey: key,
  });
  expect(nodeCacheMetadata({ ...hit, cacheStatus: "evicted" }, new Map())).toEqual({
    cacheStatus: CatalogCacheStatus.CACHE_EVICTED,
    catalogKey: key,
  });
});

test("an older entry that says little is read as far as it goes", () => {
  const from = sources({ metadata: { keyMap: { "exec-name": "r1", "exec-attempt": "x" } } });
  const { catalogKey } = nodeCacheMetadata(action("hit", `${DATASET.version}/${TAG}`, "e1"), from);
  expect(catalogKey?.sourceExecution?.value).toMatchObject({
    taskId: { version: "unknown" },
    nodeExecutionId: { nodeId: "unknown", executionId: { ...TENANT, name: "r1" } },
    retryAttempt: 0,
  });
});

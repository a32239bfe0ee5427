import { randomUUID } from "node:crypto";
import type { Changes } from "@skein/engine";
import { createTestDatabase, insertProject, insertRun, insertWorkflow, type TestDatabase } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commitAdvances } from "../loop/commit-advances.ts";
import type { CachePut, RunAdvance } from "../loop/run-advance.ts";
import { findCachedOutputs } from "./entries.ts";
import { findCacheSources } from "./sources.ts";

const TENANT = { project: "flytesnacks", domain: "development" };

let database: TestDatabase;
let workflowId: number;
beforeAll(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
});
afterAll(() => database.close());

const changes: Changes = {
  run: null,
  newActions: [],
  actions: [],
  attempts: [],
  values: [],
  copies: [],
  reusedExpansions: [],
  commands: [],
  staleEvents: 0,
};

const addressOf = (tag: string) => ({
  ...TENANT,
  datasetName: "flyte_task-square",
  datasetVersion: "1-aaaaaaaa-bbbbbbbb",
  tag,
});

const putOf = (tag: string, text: string, taskVersion = "v7"): CachePut => ({
  entryId: randomUUID(),
  ...addressOf(tag),
  taskVersion,
  ordinal: 2,
  actionName: "n0",
  attempt: 1,
  data: Buffer.from(text),
  uri: null,
  sizeBytes: text.length,
});

async function advanceOf(name: string, cachePuts: readonly CachePut[]): Promise<RunAdvance> {
  return {
    runId: await insertRun(database.pool, workflowId, { name }),
    version: 0,
    changes,
    values: [],
    copies: [],
    orders: [],
    reporters: new Map(),
    deckUris: new Map(),
    signals: [],
    expansions: [],
    cachePuts,
    cacheEntryIds: new Map(),
    links: [],
    parentNews: null,
    appliedEvents: [],
    eventIds: [],
    errandIds: [],
  };
}

const found = async (tag: string) => {
  const [outputs] = await findCachedOutputs(database.pool, [addressOf(tag)]);
  return (
    outputs && { entryId: outputs.entryId, text: Buffer.from(outputs.data ?? []).toString(), isOurs: outputs.isOurs }
  );
};

test("what a commit puts into the cache is found, with the attempt that computed it", async () => {
  const put = putOf("t1", "one");
  await commitAdvances(database.pool, [await advanceOf("maker", [put])]);
  expect(await found("t1")).toEqual({ entryId: put.entryId, text: "one", isOurs: true });
  const words = {
    "exec-project": TENANT.project,
    "exec-domain": TENANT.domain,
    "exec-name": "maker",
    "exec-node": "n0",
    "exec-attempt": "1",
  };
  expect((await findCacheSources(database.pool, [put.entryId])).get(put.entryId)).toEqual({
    entryId: put.entryId,
    metadata: { keyMap: words },
    datasetMetadata: { keyMap: { "task-version": "v7" } },
  });
});

test("the newest outputs are found, also where several of one commit have the same key", async () => {
  await commitAdvances(database.pool, [await advanceOf("older", [putOf("t2", "old")])]);
  const [first, second, other] = [putOf("t2", "new"), putOf("t2", "newest", "v8"), putOf("t3", "other")];
  await commitAdvances(database.pool, [await advanceOf("newer", [first, other]), await advanceOf("newest", [second])]);
  expect(await found("t2")).toMatchObject({ entryId: second.entryId, text: "newest" });
  expect(await found("t3")).toMatchObject({ text: "other" });
});

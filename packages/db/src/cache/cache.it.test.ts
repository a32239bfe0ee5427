import { randomUUID } from "node:crypto";
import type { CacheAddress } from "@skein/engine";
import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  findArtifact,
  insertArtifact,
  insertCacheTag,
  listArtifacts,
  moveCacheTag,
  updateArtifact,
} from "./artifacts.ts";
import { findCacheDataset, insertCacheDataset, listCacheDatasets } from "./datasets.ts";
import { findCachedOutputs } from "./entries.ts";
import { evictEntry, evictRun, evictTask } from "./evict.ts";
import { findCacheSources } from "./sources.ts";

const TASK = { project: "flytesnacks", domain: "development", name: "square" };
const SIGNATURE = "-aaaaaaaa-b-b-b-b-";

let database: TestDatabase;
let workflowId: number;
beforeAll(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query("truncate cache_entries, cache_tags, cache_datasets, actions");
});

const datasetOf = (version: string, name = TASK.name) => ({
  ...TASK,
  name: `flyte_task-${name}`,
  version: version + SIGNATURE,
});
const addressOf = (version: string, tag: string, name = TASK.name): CacheAddress => ({
  project: TASK.project,
  domain: TASK.domain,
  datasetName: `flyte_task-${name}`,
  datasetVersion: version + SIGNATURE,
  tag,
});

async function insertEntry(version: string, tag: string, name = TASK.name): Promise<string> {
  const id = randomUUID();
  const value = { data: Buffer.from(`${name}/${version}/${tag}`), sizeBytes: 3 };
  const dataset = datasetOf(version, name);
  await insertArtifact(database.db, { id, dataset, value, metadata: { keyMap: { of: tag } }, partitions: [] });
  expect(await insertCacheTag(database.db, dataset, tag, id)).toBe("inserted");
  return id;
}

async function insertAction(runId: string, ordinal: number, entryId: string | null, status = "populated") {
  await insertRow(database.pool, "actions", {
    run_id: runId,
    ordinal,
    project: TASK.project,
    domain: TASK.domain,
    name: `n${ordinal}`,
    spec_node_id: `n${ordinal}`,
    kind: "task",
    phase: "succeeded",
    ended_at: new Date(),
    cache_status: entryId === null ? "disabled" : status,
    cache_entry_id: entryId,
    changed_seq: 1,
  });
}

const statusesOf = async (runId: string) =>
  (
    await database.pool.query<{ cache_status: string }>(
      "select cache_status from actions where run_id = $1 order by ordinal",
      [runId],
    )
  ).rows.map(({ cache_status }) => cache_status);
const textOf = (data: Uint8Array | null | undefined) => (data ? Buffer.from(data).toString() : undefined);

test("outputs are found by their whole address, in the order of the question", async () => {
  const entryId = await insertEntry("1", "t1");
  await insertEntry("1", "t2");
  const found = await findCachedOutputs(database.pool, [
    addressOf("1", "t2"),
    addressOf("2", "t1"),
    addressOf("1", "t1"),
    addressOf("1", "t1", "cube"),
    { ...addressOf("1", "t1"), domain: "production" },
    addressOf("1", "t1"),
  ]);
  expect(found.map((outputs) => textOf(outputs?.data))).toEqual([
    "square/1/t2",
    undefined,
    "square/1/t1",
    undefined,
    undefined,
    "square/1/t1",
  ]);
  expect(found[2]).toEqual({ entryId, data: expect.anything(), uri: null, sizeBytes: 3, isOurs: false });
});

test("a tag is inserted once, only for an entry of its dataset, and can be moved", async () => {
  const [first, second] = [await insertEntry("1", "t1"), await insertEntry("1", "t2")];
  expect(await insertCacheTag(database.db, datasetOf("1"), "t1", second)).toBe("taken");
  expect(await insertCacheTag(database.db, datasetOf("2"), "t1", second)).toBe("missing");
  expect(await insertCacheTag(database.db, datasetOf("1"), "t3", randomUUID())).toBe("missing");
  await moveCacheTag(database.db, datasetOf("1"), "t1", second);
  expect((await findArtifact(database.db, datasetOf("1"), { tag: "t1" }))?.id).toBe(second);
  expect(await findArtifact(database.db, datasetOf("1"), { id: second })).toMatchObject({ tags: ["t1", "t2"] });
  expect(await findArtifact(database.db, datasetOf("1"), { id: first })).toMatchObject({ tags: [] });
  expect(await findArtifact(database.db, datasetOf("2"), { id: first })).toBeUndefined();
});

test("what a client overwrites is not an attempt's any more", async () => {
  const id = await insertEntry("1", "t1");
  await database.pool.query("update cache_entries set source_run_id = $1, source_ordinal = 2, source_attempt = 0", [
    randomUUID(),
  ]);
  expect((await findCachedOutputs(database.pool, [addressOf("1", "t1")]))[0]?.isOurs).toBe(true);
  const value = { uri: "s3://b/k", sizeBytes: 7 };
  expect(await updateArtifact(database.db, id, { value, metadata: {} })).toBe(true);
  expect(await updateArtifact(database.db, randomUUID(), { value, metadata: {} })).toBe(false);
  expect(await findCachedOutputs(database.pool, [addressOf("1", "t1")])).toEqual([
    { entryId: id, data: null, uri: "s3://b/k", sizeBytes: 7, isOurs: false },
  ]);
});

test("lists filter by tag and partitions and come in either order, page by page", async () => {
  const dataset = datasetOf("1");
  const ids = [randomUUID(), randomUUID(), randomUUID()];
  for (const [index, id] of ids.entries()) {
    const partitions = [
      { key: "day", value: `${index}` },
      { key: "kind", value: "x" },
    ];
    await insertArtifact(database.db, {
      id,
      dataset,
      value: { data: Buffer.of(), sizeBytes: 0 },
      metadata: {},
      partitions,
    });
    await database.pool.query("update cache_entries set created_at = $2 where id = $1", [id, new Date(1_000 * index)]);
  }
  await insertCacheTag(database.db, dataset, "t", ids[1] ?? "");
  const all = { dataset, partitions: [], oldestFirst: true, limit: 10, offset: 0 };
  const list = async (more: object) => (await listArtifacts(database.db, { ...all, ...more })).map(({ id }) => id);
  expect(await list({})).toEqual(ids);
  expect(await list({ oldestFirst: false, limit: 2 })).toEqual([ids[2], ids[1]]);
  expect(await list({ oldestFirst: false, limit: 2, offset: 2 })).toEqual([ids[0]]);
  expect(await list({ tag: "t" })).toEqual([ids[1]]);
  expect(await list({ tag: "u" })).toEqual([]);
  expect(
    await list({
      partitions: [
        { key: "day", value: "2" },
        { key: "kind", value: "x" },
      ],
    }),
  ).toEqual([ids[2]]);
  expect(await list({ partitions: [{ key: "day", value: "x" }] })).toEqual([]);
});

test("datasets are inserted once and listed by their parts", async () => {
  const dataset = { ...datasetOf("1"), metadata: { keyMap: { "task-version": "v7" } }, partitionKeys: ["day"] };
  expect(await insertCacheDataset(database.db, dataset)).toBe(true);
  expect(await insertCacheDataset(database.db, { ...dataset, partitionKeys: [] })).toBe(false);
  expect(await findCacheDataset(database.db, datasetOf("1"))).toMatchObject(dataset);
  expect(await findCacheDataset(database.db, datasetOf("2"))).toBeUndefined();
  await insertCacheDataset(database.db, { ...datasetOf("2"), metadata: {}, partitionKeys: [] });
  const version = { field: "version", operator: "eq", values: [`2${SIGNATURE}`] } as const;
  const listed = await listCacheDatasets(database.db, { where: [version], limit: 10, offset: 0 });
  expect(listed.map(({ version: found }) => found)).toEqual([`2${SIGNATURE}`]);
});

test("an entry's source is told with its dataset's words, and is gone with the entry", async () => {
  await insertCacheDataset(database.db, { ...datasetOf("1"), metadata: { keyMap: { v: "7" } }, partitionKeys: [] });
  const [known, bare] = [await insertEntry("1", "t1"), await insertEntry("2", "t1")];
  const sources = await findCacheSources(database.pool, [known, bare, randomUUID()]);
  expect([...sources.values()].sort((a) => (a.entryId === known ? -1 : 1))).toEqual([
    { entryId: known, metadata: { keyMap: { of: "t1" } }, datasetMetadata: { keyMap: { v: "7" } } },
    { entryId: bare, metadata: { keyMap: { of: "t1" } }, datasetMetadata: {} },
  ]);
  expect(await evictEntry(database.pool, known)).toBe(1);
  expect([...(await findCacheSources(database.pool, [known])).keys()]).toEqual([]);
});

test("a task is evicted by name, or only one cache version of it", async () => {
  await insertEntry("1", "t1");
  await insertEntry("1", "t2");
  await insertEntry("1-2", "t1");
  await insertEntry("1", "t1", "cube");
  expect(await evictTask(database.pool, TASK, "1")).toBe(2);
  const left = async () =>
    (
      await findCachedOutputs(database.pool, [
        addressOf("1", "t1"),
        addressOf("1-2", "t1"),
        addressOf("1", "t1", "cube"),
      ])
    ).map((outputs) => textOf(outputs?.data));
  expect(await left()).toEqual([undefined, "square/1-2/t1", "cube/1/t1"]);
  expect(await evictTask(database.pool, { ...TASK, domain: "production" }, undefined)).toBe(0);
  expect(await evictTask(database.pool, TASK, undefined)).toBe(1);
  expect(await left()).toEqual([undefined, undefined, "cube/1/t1"]);
});

test("a run is evicted with its child runs, and all who had those outputs say so", async () => {
  const [own, taken, child, other] = [
    await insertEntry("1", "own"),
    await insertEntry("1", "taken"),
    await insertEntry("1", "child"),
    await insertEntry("1", "other"),
  ];
  const runId = await insertRun(database.pool, workflowId);
  const childId = await insertRun(database.pool, workflowId, {
    parent_run_id: runId,
    parent_ordinal: 4,
    parent_attempt: 0,
  });
  const otherId = await insertRun(database.pool, workflowId);
  await insertAction(runId, 2, own);
  await insertAction(runId, 3, taken, "hit");
  await insertAction(runId, 4, null);
  await insertAction(childId, 2, child);
  await insertAction(otherId, 2, taken);
  await insertAction(otherId, 3, other);
  expect(await evictRun(database.pool, runId)).toBe(3);
  expect(await statusesOf(runId)).toEqual(["evicted", "evicted", "disabled"]);
  expect(await statusesOf(childId)).toEqual(["evicted"]);
  expect(await statusesOf(otherId)).toEqual(["evicted", "populated"]);
  expect((await findCachedOutputs(database.pool, [addressOf("1", "other")]))[0]?.entryId).toBe(other);
  const { rows } = await database.pool.query("select changed_seq::int from runs where id = any($1)", [
    [runId, otherId],
  ]);
  expect(rows).toEqual([{ changed_seq: 2 }, { changed_seq: 2 }]);
  expect(await evictRun(database.pool, runId)).toBe(0);
});

test("more entries than one statement takes are all evicted, also by two at once", async () => {
  await database.pool.query(
    `insert into cache_entries (id, project, domain, dataset_name, dataset_version, data, size_bytes)
     select gen_random_uuid(), $1, $2, 'flyte_task-square', '1' || $3, '', 0 from generate_series(1, 2500)`,
    [TASK.project, TASK.domain, SIGNATURE],
  );
  const evicted = await Promise.all([1, 2].map(() => evictTask(database.pool, TASK, "1")));
  expect(evicted.reduce((sum, count) => sum + count)).toBe(2_500);
});

import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import { insertProject, insertRow, insertRun, insertWorkflow, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signRunToken } from "../auth/tokens.ts";
import { startTestApi, TEST_SECRET_KEY, type TestApi } from "../testing/start-test-api.ts";
import { openTestTrpc } from "../testing/trpc-client.ts";

const OTHER = { project: "other", domain: "development" };
const FRAME = "s3://b/frame";
const ENTRY = "00000000-0000-4000-8000-000000000001";

let api: TestApi;
let runToken = "";
beforeAll(async () => {
  api = await startTestApi();
  await insertProject(api.database.pool, { id: OTHER.project, name: OTHER.project });
  await insertHistory();
});
afterAll(() => api.close());

/**
 * `maker` made the frame; `late` made it again, and its dynamic task handed it on; `reader` and `foreign` used it; `cached`
 * took it from the cache.
 */
async function insertHistory(): Promise<void> {
  const { pool } = api.database;
  const workflowId = await insertWorkflow(pool);
  const run = (name: string, tenant = TEST_TENANT as typeof OTHER) => insertRun(pool, workflowId, { name, ...tenant });
  const [maker, late, reader, foreign, cached] = [
    await run("maker"),
    await run("late"),
    await run("reader"),
    await run("foreign", OTHER),
    await run("cached"),
  ];
  runToken = await signRunToken(TEST_SECRET_KEY, { runId: reader, ...TEST_TENANT });
  const blob = { case: "scalar", value: { value: { case: "blob", value: { uri: FRAME } } } } as const;
  const outputs = create(LiteralMapSchema, { literals: { o0: { value: blob } } });
  await insertUse(maker, 2, "outputs", outputs, { created_at: new Date("2026-01-01T00:00:00Z") });
  await insertUse(late, 2, "outputs", outputs, { created_at: new Date("2026-01-02T00:00:00Z") });
  await insertUse(late, 3, "outputs", outputs, { is_expanded: true });
  await insertUse(reader, 2, "inputs", outputs);
  await insertUse(foreign, 2, "inputs", outputs, OTHER);
  await insertUse(cached, 2, "outputs", outputs, { cache_status: "hit", cache_entry_id: ENTRY });
  await insertRow(pool, "cache_entries", {
    id: ENTRY,
    ...TEST_TENANT,
    dataset_name: "flyte_task-t",
    dataset_version: "1",
    data: toBytes(LiteralMapSchema, outputs),
    size_bytes: 1,
    source_run_id: maker,
    source_ordinal: 2,
    source_attempt: 0,
  });
}

async function insertUse(
  runId: string,
  ordinal: number,
  side: string,
  values: LiteralMap,
  more: Parameters<typeof insertRow>[2] = {},
) {
  const { pool } = api.database;
  const name = `n${ordinal}`;
  const moments = { started_at: new Date(), ended_at: new Date() };
  const columns = { ...TEST_TENANT, name, spec_node_id: name, kind: "task", phase: "succeeded", changed_seq: 1 };
  await insertRow(pool, "actions", { run_id: runId, ordinal, ...columns, ...moments, ...more });
  const data = toBytes(LiteralMapSchema, values);
  await insertRow(pool, "action_values", { run_id: runId, ordinal, side, data, size_bytes: data.length });
  await pool.query("insert into artifact_links values (md5($1::text)::uuid, $2, $3, $4, $1, 'o0')", [
    FRAME,
    runId,
    ordinal,
    side,
  ]);
}

const client = (headers: Record<string, string> = {}) => openTestTrpc(api.url, headers);
const names = (actions: readonly { run: string; action: string }[]) =>
  actions.map(({ run, action }) => `${run}/${action}`);

describe("the lineage of an object", () => {
  test("tells who made it, the first one first, and who used it", async () => {
    const { items } = await client().lineage.ofArtifact.query({ ...TEST_TENANT, uri: FRAME });
    expect(items).toHaveLength(1);
    expect(names(items[0]?.madeBy ?? [])).toEqual(["maker/n2", "late/n2"]);
    expect(names(items[0]?.usedBy ?? []).sort()).toEqual(["foreign/n2", "reader/n2"]);
    expect(items[0]?.hasMore).toBe(false);
    const short = await client().lineage.ofArtifact.query({ ...TEST_TENANT, uri: FRAME, limit: 1 });
    expect(short.items[0]).toMatchObject({ usedBy: [{}], hasMore: true });
  });

  test("leaves out what the caller may not read", async () => {
    const asRun = client({ authorization: `Bearer ${runToken}` });
    const { items } = await asRun.lineage.ofArtifact.query({ ...TEST_TENANT, uri: FRAME });
    expect(names(items[0]?.usedBy ?? [])).toEqual(["reader/n2"]);
    const refused = { data: { skein: { code: "permission_denied" } } };
    await expect(asRun.lineage.ofArtifact.query({ ...OTHER, uri: FRAME })).rejects.toMatchObject(refused);
    const flyteUrl = "flyte://v1/other/development/foreign/n2/i";
    await expect(asRun.lineage.ofArtifact.query({ ...TEST_TENANT, flyteUrl })).rejects.toMatchObject(refused);
  });

  test("is found by the value that holds it", async () => {
    const of = async (tail: string) => {
      const flyteUrl = `flyte://v1/flytesnacks/development/${tail}`;
      return (await client().lineage.ofArtifact.query({ ...TEST_TENANT, flyteUrl })).items;
    };
    expect(names((await of("reader/n2/i/o0"))[0]?.madeBy ?? [])).toEqual(["maker/n2", "late/n2"]);
    expect(await of("maker/n2/o/none")).toMatchObject([{ uri: null, madeBy: [{ run: "maker" }], usedBy: [] }]);
    await expect(of("maker/n2/d")).rejects.toMatchObject({ data: { skein: { code: "invalid_argument" } } });
  });

  test("nobody knows of is empty, and it must be asked for in one way", async () => {
    const { items } = await client().lineage.ofArtifact.query({ ...TEST_TENANT, uri: "s3://b/none" });
    expect(items).toEqual([{ uri: "s3://b/none", madeBy: [], usedBy: [], hasMore: false }]);
    const refused = { data: { skein: { code: "invalid_argument" } } };
    await expect(client().lineage.ofArtifact.query(TEST_TENANT)).rejects.toMatchObject(refused);
    const both = { ...TEST_TENANT, uri: FRAME, cacheEntry: ENTRY };
    await expect(client().lineage.ofArtifact.query(both)).rejects.toMatchObject(refused);
  });
});

test("the lineage of cached outputs tells whose they are and who was spared the work", async () => {
  const { items } = await client().lineage.ofArtifact.query({ ...TEST_TENANT, cacheEntry: ENTRY });
  expect(names(items[0]?.madeBy ?? [])).toEqual(["maker/n2"]);
  expect(names(items[0]?.usedBy ?? [])).toEqual(["cached/n2"]);
  const cacheEntry = ENTRY.replace(/1$/, "2");
  await expect(client().lineage.ofArtifact.query({ ...TEST_TENANT, cacheEntry })).rejects.toMatchObject({
    data: { skein: { code: "not_found" } },
  });
});

test("the lineage of a run lists what its actions made and used, in pages", async () => {
  const page = await client().lineage.ofRun.query({ ...TEST_TENANT, name: "late", limit: 1 });
  expect(page.items).toMatchObject([{ action: "n2", isMade: true, variable: "o0", uri: FRAME }]);
  const next = await client().lineage.ofRun.query({
    ...TEST_TENANT,
    name: "late",
    limit: 1,
    cursor: page.nextCursor ?? 0,
  });
  expect(next.items).toMatchObject([{ action: "n3" }]);
});

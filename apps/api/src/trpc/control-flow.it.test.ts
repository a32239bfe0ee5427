import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import { LiteralMapSchema, LiteralTypeSchema, SimpleType } from "@skein/idl/core";
import { createTempFolder, insertRow, insertRun, insertWorkflow, integerInputs, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";
import { openTestTrpc, type TestTrpc } from "../testing/trpc-client.ts";

const RUN = { ...TEST_TENANT, name: "kinds" };
const ITEMS = 1_500;
const LARGE_BYTES = 17 * 1024 * 1024;

const folder = createTempFolder("control-flow");
const STORAGE = `file://${folder.path}`;
let api: TestApi;
let client: TestTrpc;
beforeAll(async () => {
  api = await startTestApi({ storage: STORAGE });
  const { pool } = api.database;
  client = openTestTrpc(api.url);
  const runId = await insertRun(pool, await insertWorkflow(pool), { name: RUN.name, phase: "running" });
  await insertAction(runId, { ordinal: 2, name: "map", kind: "array", item_count: 2_000 });
  await insertAction(runId, { ordinal: 3_000, name: "ok", kind: "gate" });
  await pool.query(
    `insert into actions (run_id, project, domain, ordinal, name, parent_ordinal, spec_node_id, kind, item_index, phase,
                          attempts, changed_seq, ended_at, error_message)
     select $1, $2, $3, 3 + i, 'map.' || i, 2, 'n' || i, 'task', i,
            (case when i = 1499 then 'failed' else 'succeeded' end)::action_phase, 1, 2, now(), null
     from generate_series(0, $4::int - 1) i`,
    [runId, TEST_TENANT.project, TEST_TENANT.domain, ITEMS],
  );
  await insertRow(pool, "signals", {
    run_id: runId,
    ordinal: 3_000,
    signal_id: "go",
    is_approval: true,
    type: toBytes(
      LiteralTypeSchema,
      create(LiteralTypeSchema, { type: { case: "simple", value: SimpleType.BOOLEAN } }),
    ),
  });
  await insertValues(runId);
});
afterAll(async () => {
  await api.close();
  await folder.close();
});

const insertAction = (runId: string, columns: Record<string, string | number>) =>
  insertRow(api.database.pool, "actions", {
    run_id: runId,
    ...TEST_TENANT,
    spec_node_id: String(columns.name),
    phase: "running",
    changed_seq: 2,
    ...columns,
  });

/** Inputs that fit into an answer, and outputs that say they do not. */
async function insertValues(runId: string): Promise<void> {
  const data = toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ x: [1, 2] })));
  const value = { run_id: runId, ordinal: 2 };
  await insertRow(api.database.pool, "action_values", { ...value, side: "inputs", data, size_bytes: data.length });
  const uri = `${STORAGE}/meta/outputs.pb`;
  await insertRow(api.database.pool, "action_values", { ...value, side: "outputs", uri, size_bytes: LARGE_BYTES });
}

test("a map's items come in order with counts of all, the failed one among however few", async () => {
  const all = await client.runs.mapItems.query({ ...RUN, action: "map", limit: 5_000 });
  expect(all).toMatchObject({ itemCount: 2_000, counts: { succeeded: 1_499, failed: 1 } });
  expect(all.items).toHaveLength(ITEMS);
  const few = await client.runs.mapItems.query({ ...RUN, action: "map", limit: 3 });
  expect(few.items.map(({ index, phase }) => [index, phase])).toEqual([
    [0, "succeeded"],
    [1, "succeeded"],
    [1_499, "failed"],
  ]);
  await expect(client.runs.mapItems.query({ ...RUN, action: "ok" })).rejects.toMatchObject({
    data: { skein: { code: "invalid_argument", reason: "no_map" } },
  });
});

test("actions are counted by phase, of the whole run or under a parent", async () => {
  const whole = await client.runs.actionCounts.query(RUN);
  expect(whole.counts).toEqual({ running: 2, succeeded: 1_499, failed: 1 });
  const under = await client.runs.actionCounts.query({ ...RUN, parent: "map" });
  expect(under.counts).toEqual({ succeeded: 1_499, failed: 1 });
});

test("a value that no answer has room for is a signed URL beside those that fit", async () => {
  const data = await client.runs.actionData.query({ ...RUN, action: "map" });
  expect(data.inputs).toEqual({ x: ["1", "2"] });
  expect(data.outputs).toEqual({});
  expect(data.large).toEqual({
    inputs: null,
    outputs: { signedUrl: expect.stringContaining("/uploads/"), sizeBytes: LARGE_BYTES },
  });
});

test("a gate is listed and answered in plain JSON, once", async () => {
  const gates = async () => (await client.signals.list.query(RUN)).items;
  expect(await gates()).toMatchObject([{ signal: "go", action: "ok", state: "waiting", type: "bool", value: null }]);
  const answer = { ...RUN, signal: "go" };
  const refused = (code: string) => ({ data: { skein: { code } } });
  await expect(client.signals.set.mutate({ ...answer, value: "yes" })).rejects.toMatchObject(
    refused("invalid_argument"),
  );
  await expect(client.signals.set.mutate(answer)).rejects.toMatchObject(refused("invalid_argument"));
  await client.signals.set.mutate({ ...answer, value: true });
  expect(await gates()).toMatchObject([{ state: "answered", value: true, setBy: "anonymous" }]);
  await expect(client.signals.set.mutate({ ...answer, value: false })).rejects.toMatchObject(
    refused("failed_precondition"),
  );
});

import { create } from "@bufbuild/protobuf";
import { attemptKey, attemptToken, type HeldResponse, POD_LAUNCHER_LEASE_MS, tokenHash } from "@skein/contracts";
import { openNotifier } from "@skein/db";
import { toBytes } from "@skein/idl";
import { CompiledWorkflowClosureSchema, Resources_ResourceName } from "@skein/idl/core";
import { openSources } from "@skein/secrets";
import { openStorage, type Storage } from "@skein/storage";
import {
  createTempFolder,
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AgentService, createAgentService } from "./agent-service.ts";

const KEY = "k".repeat(40);
const TENANT = { project: "flytesnacks", domain: "development" };
const taskId = { ...TENANT, name: "t", version: "v1" };
const reference = { case: "referenceId" as const, value: taskId };
const resources = { requests: [{ name: Resources_ResourceName.CPU, value: "500m" }] };
const graph = create(CompiledWorkflowClosureSchema, {
  primary: { template: { nodes: [{ id: "n0", target: { case: "taskNode", value: { reference } } }] } },
  tasks: [{ template: { id: taskId, target: { case: "container", value: { image: "one:1", resources } } } }],
});

let database: TestDatabase;
let folder: { path: string; close(): Promise<void> };
let storage: Storage;
let agents: AgentService;
let runId: string;

const idOf = (ordinal: number) => ({ runId, ordinal, attempt: 0 });

async function insertAttempt(ordinal: number, pool = "pods"): Promise<void> {
  const place = { run_id: runId, ordinal, project: TENANT.project };
  await insertRow(database.pool, "actions", {
    ...place,
    domain: TENANT.domain,
    name: `n${ordinal}`,
    spec_node_id: "n0",
    kind: "task",
    task_key: "flytesnacks:development:t:v1",
    phase: "queued",
    changed_seq: 1,
  });
  const token_hash = tokenHash(attemptToken(KEY, idOf(ordinal)));
  const rest = { kind: "container", phase: "queued", token_hash, queued_at: new Date(), changed_seq: 1 };
  await insertRow(database.pool, "attempts", { ...place, attempt: 0, shard: 3, pool, ...rest });
}

const claim = async (agentId: string, pool: string, ordinals: readonly number[]) => {
  const attempts = ordinals.map((ordinal) => ({ ...idOf(ordinal), token: attemptToken(KEY, idOf(ordinal)) }));
  return (await agents.claim({ agentId, pool, attempts })).results;
};

const beat = (agentId: string, ordinals: readonly number[] = []) =>
  agents.heartbeat({
    agentId,
    pool: "pods",
    runtime: "kubernetes",
    labels: {},
    version: "test",
    capacity: { slots: 1000, cpuMillis: 0, memoryMiB: 0, gpus: 0 },
    attempts: ordinals.map(idOf),
    decks: [],
    notes: [],
    draining: false,
  });

const start = (ordinal: number, phase: string, startedAt: Date) =>
  database.pool.query(
    `update attempts set phase = $3::attempt_phase, started_at = $4, error_code = 'X',
       ended_at = case when $3 = 'failed' then now() end where run_id = $1 and ordinal = $2`,
    [runId, ordinal, phase, startedAt],
  );

beforeEach(async () => {
  database = await createTestDatabase();
  folder = createTempFolder("held");
  storage = await openStorage({ uri: `file://${folder.path}` });
  const notifier = openNotifier(database.pool);
  agents = createAgentService({
    pool: database.pool,
    storage,
    notifier,
    signToken: undefined,
    secretKey: KEY,
    secrets: openSources([], { environment: {} }),
  });
  await insertProject(database.pool);
  const compiled = Buffer.from(toBytes(CompiledWorkflowClosureSchema, graph));
  runId = await insertRun(database.pool, await insertWorkflow(database.pool, { compiled }));
});
afterEach(async () => {
  storage.close();
  await folder.close();
  await database.close();
});

test("an agent that lost its disk is told all that it holds, as it was granted, and nothing else", async () => {
  for (const ordinal of [2, 3, 4, 5]) await insertAttempt(ordinal);
  await insertAttempt(6, "other");
  const [first] = await claim("launcher", "pods", [2, 3, 5]);
  await claim("another", "pods", [4]);
  await claim("launcher", "other", [6]);
  const startedAt = new Date("2026-01-02T03:04:05.678Z");
  await start(3, "running", startedAt);
  await start(5, "failed", startedAt);
  const { attempts, next } = await agents.held({ agentId: "launcher", pool: "pods", after: null });
  expect(next).toBeNull();
  const rest = { kind: "container", shard: 3, resources: { cpuMillis: 500, memoryMiB: 0, gpus: 0 } };
  expect(attempts.map(({ order, startedAtMs }) => ({ order, startedAtMs }))).toEqual([
    { order: { ...idOf(2), ...rest, token: attemptToken(KEY, idOf(2)) }, startedAtMs: null },
    { order: { ...idOf(3), ...rest, token: attemptToken(KEY, idOf(3)) }, startedAtMs: startedAt.getTime() },
  ]);
  expect({ granted: attempts[0]?.grant }).toEqual(first);
});

test("what is held comes in pages, each claim once", async () => {
  const ordinals = Array.from({ length: 205 }, (_, at) => at + 2);
  for (const ordinal of ordinals) await insertAttempt(ordinal);
  await claim("launcher", "pods", ordinals);
  const pages: HeldResponse[] = [];
  for (let after: HeldResponse["next"] = null; pages.length === 0 || after; after = pages.at(-1)?.next ?? null) {
    pages.push(await agents.held({ agentId: "launcher", pool: "pods", after }));
  }
  expect(pages.map(({ attempts }) => attempts.length)).toEqual([100, 100, 5]);
  const keys = pages.flatMap(({ attempts }) => attempts.map(({ order }) => attemptKey(order)));
  expect(keys).toEqual(ordinals.map((ordinal) => attemptKey(idOf(ordinal))));
});

test("a launcher's claims outlive its silence, and those that it asks for before its first heartbeat are not lost", async () => {
  await insertAttempt(2);
  await claim("launcher", "pods", [2]);
  await beat("launcher", [2]);
  const { rows } = await database.pool.query(
    "select extract(epoch from lease_expires_at - now())::float8 * 1000 as ms from agents where id = 'launcher'",
  );
  expect(rows[0].ms).toBeGreaterThan(POD_LAUNCHER_LEASE_MS - 10_000);
  await start(2, "running", new Date());
  await database.pool.query("update claims set claimed_at = now() - interval '1 hour'");
  const { attempts } = await agents.held({ agentId: "launcher", pool: "pods", after: null });
  await beat(
    "launcher",
    attempts.map(({ order }) => order.ordinal),
  );
  expect((await database.pool.query("select from claims")).rowCount).toBe(1);
  expect((await database.pool.query("select from events")).rowCount).toBe(0);
  await beat("launcher");
  expect((await database.pool.query("select from events")).rowCount).toBe(1);
});

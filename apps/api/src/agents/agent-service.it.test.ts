import { randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { attemptToken, type ClaimRequest, type HeartbeatRequest, tokenHash } from "@skein/contracts";
import { openNotifier } from "@skein/db";
import { fromBytes } from "@skein/idl";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import { CompiledWorkflowClosureSchema, TaskTemplateSchema } from "@skein/idl/core";
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
import { createLogService } from "./log-service.ts";

const KEY = "k".repeat(40);
const TASK_KEY = "flytesnacks:development:t:v1";
const taskId = { project: "flytesnacks", domain: "development", name: "t", version: "v1" };
const subId = { ...taskId, name: "sub" };

let database: TestDatabase;
let folder: { path: string; close(): Promise<void> };
let storage: Storage;
let agents: AgentService;
let runId: string;

const compiled = toBinary(
  CompiledWorkflowClosureSchema,
  create(CompiledWorkflowClosureSchema, {
    primary: {
      template: {
        nodes: [
          {
            id: "n0",
            metadata: { timeout: { seconds: 7n }, interruptibleValue: { case: "interruptible", value: true } },
            target: {
              case: "taskNode",
              value: {
                reference: { case: "referenceId", value: taskId },
                overrides: { containerImage: "other:1", resources: { requests: [{ name: 1, value: "2" }] } },
              },
            },
          },
          {
            id: "n1",
            target: { case: "workflowNode", value: { reference: { case: "subWorkflowRef", value: subId } } },
          },
        ],
      },
    },
    subWorkflows: [
      {
        template: {
          id: subId,
          nodes: [
            { id: "n0", target: { case: "taskNode", value: { reference: { case: "referenceId", value: taskId } } } },
          ],
        },
      },
    ],
    tasks: [{ template: { id: taskId, type: "raw", target: { case: "container", value: { image: "one:1" } } } }],
  }),
);

async function insertAction(ordinal: number, columns: Record<string, string | number | null> = {}): Promise<void> {
  await insertRow(database.pool, "actions", {
    run_id: runId,
    ordinal,
    project: "flytesnacks",
    domain: "development",
    name: `n0-${ordinal}`,
    spec_node_id: "n0",
    kind: "task",
    task_key: TASK_KEY,
    phase: "queued",
    changed_seq: 1,
    ...columns,
  });
}

const idOf = (ordinal: number, attempt = 0) => ({ runId, ordinal, attempt });

async function insertAttempt(ordinal: number, attempt = 0): Promise<void> {
  await insertRow(database.pool, "attempts", {
    run_id: runId,
    ordinal,
    attempt,
    project: "flytesnacks",
    shard: 0,
    pool: "default",
    kind: "container",
    phase: "queued",
    token_hash: tokenHash(attemptToken(KEY, idOf(ordinal, attempt))),
    queued_at: new Date(),
    changed_seq: 1,
  });
}

const setPhase = (ordinal: number, phase: string) =>
  database.pool.query(
    `update attempts set phase = $2::attempt_phase, error_code = 'X',
       ended_at = case when $2 in ('succeeded', 'failed', 'aborted') then now() end where run_id = $1 and ordinal = $3`,
    [runId, phase, ordinal],
  );

const claimOf = (agentId: string, ordinal: number, attempt = 0): ClaimRequest => ({
  agentId,
  pool: "default",
  attempts: [{ ...idOf(ordinal, attempt), token: attemptToken(KEY, idOf(ordinal, attempt)) }],
});

const beatOf = (agentId: string, attempts: HeartbeatRequest["attempts"] = []): HeartbeatRequest => ({
  agentId,
  pool: "default",
  runtime: "process",
  labels: {},
  notes: [],
  version: "test",
  capacity: { slots: 2, cpuMillis: 1000, memoryMiB: 512, gpus: 0 },
  attempts,
  decks: [],
  draining: false,
});

beforeEach(async () => {
  database = await createTestDatabase();
  folder = createTempFolder("agents");
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
  const workflowId = await insertWorkflow(database.pool, { name: "wf", compiled });
  const spec = create(ExecutionSpecSchema, {
    envs: { values: [{ key: "A", value: "1" }] },
    labels: { values: { l: "x" } },
  });
  runId = await insertRun(database.pool, workflowId, { name: "run1", spec: toBinary(ExecutionSpecSchema, spec) });
  await insertAction(2);
  await insertAttempt(2);
  await insertRow(database.pool, "action_values", {
    run_id: runId,
    ordinal: 2,
    side: "inputs",
    data: Buffer.from("in"),
    size_bytes: 2,
  });
});
afterEach(async () => {
  storage.close();
  await folder.close();
  await database.close();
});

test("a claim is granted with everything that the attempt needs", async () => {
  const { results } = await agents.claim(claimOf("a1", 2));
  const [result] = results;
  expect(result).toMatchObject({
    granted: {
      inputs: { data: Buffer.from("in").toString("base64") },
      project: "flytesnacks",
      domain: "development",
      runName: "run1",
      actionName: "n0-2",
      workflowKey: "flytesnacks:development:wf",
      environment: { A: "1" },
      labels: { l: "x" },
      interruptible: true,
      timeoutMs: 7_000,
      previousCheckpointPrefix: null,
      outputPrefix: `file://${folder.path}/meta/flytesnacks/development/run1/n0-2/0`,
    },
  });
  const granted = result && "granted" in result ? result.granted : undefined;
  const template = fromBytes(TaskTemplateSchema, Buffer.from(granted?.taskTemplate ?? "", "base64"));
  expect(template.target.case === "container" && template.target.value.image).toBe("other:1");
  expect(granted?.rawOutputPrefix).toMatch(/\/raw\/flytesnacks\/development\/[0-9a-f]{2}\/run1-n0-2-0$/);
});

test("a node of a sub-workflow has its own overrides, not those of a node of the same name above", async () => {
  await insertAction(3, { spec_node_id: "n1", kind: "workflow", task_key: null, name: "n1" });
  await insertAction(4, { parent_ordinal: 3, name: "n1-0-n0" });
  await insertAttempt(4);
  const [result] = (await agents.claim(claimOf("a1", 4))).results;
  const granted = result && "granted" in result ? result.granted : undefined;
  const template = fromBytes(TaskTemplateSchema, Buffer.from(granted?.taskTemplate ?? "", "base64"));
  expect(template.target.case === "container" && template.target.value.image).toBe("one:1");
});

test("the same agent is granted again, another is refused", async () => {
  await agents.claim(claimOf("a1", 2));
  expect((await agents.claim(claimOf("a1", 2))).results[0]).toHaveProperty("granted");
  expect((await agents.claim(claimOf("a2", 2))).results).toEqual([{ refused: "taken" }]);
});

test("of many agents that claim at the same moment exactly one wins", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => agents.claim(claimOf(`a${index}`, 2))));
  expect(answers.filter(({ results }) => results[0] && "granted" in results[0])).toHaveLength(1);
});

test("a claim with a wrong token, of an unknown attempt or from another pool is unknown", async () => {
  const wrong = claimOf("a1", 2);
  const token = attemptToken("another key of at least 32 characters", idOf(2));
  expect((await agents.claim({ ...wrong, attempts: [{ ...idOf(2), token }] })).results).toEqual([
    { refused: "unknown" },
  ]);
  expect((await agents.claim({ ...wrong, pool: "gpu" })).results).toEqual([{ refused: "unknown" }]);
  const strange = { runId: randomUUID(), ordinal: 0, attempt: 0, token };
  expect((await agents.claim({ ...wrong, attempts: [strange] })).results).toEqual([{ refused: "unknown" }]);
});

test("an attempt that is over or stopping is refused", async () => {
  await setPhase(2, "aborting");
  expect((await agents.claim(claimOf("a1", 2))).results).toEqual([{ refused: "stopping" }]);
  await setPhase(2, "aborted");
  expect((await agents.claim(claimOf("a1", 2))).results).toEqual([{ refused: "over" }]);
});

test("many claims of one request are answered in its order", async () => {
  for (const ordinal of [5, 6]) {
    await insertAction(ordinal);
    await insertAttempt(ordinal);
  }
  await setPhase(6, "aborted");
  const attempts = [6, 5, 2].flatMap((ordinal) => claimOf("a1", ordinal).attempts);
  const { results } = await agents.claim({ agentId: "a1", pool: "default", attempts });
  expect(results.map((result) => ("granted" in result ? result.granted.actionName : Object.values(result)[0]))).toEqual(
    ["over", "n0-5", "n0-2"],
  );
});

test("a heartbeat extends the lease and names what to stop and what is settled", async () => {
  await agents.claim(claimOf("a1", 2));
  expect(await agents.heartbeat(beatOf("a1", [idOf(2)]))).toMatchObject({ stop: [], settled: [] });
  const { rows } = await database.pool.query(
    "select lease_expires_at > now() + interval '10 seconds' as alive, slots from agents",
  );
  expect(rows).toEqual([{ alive: true, slots: 2 }]);
  await setPhase(2, "aborting");
  const unknown = { runId: randomUUID(), ordinal: 1, attempt: 0 };
  expect(await agents.heartbeat(beatOf("a1", [idOf(2), unknown]))).toMatchObject({
    stop: [idOf(2)],
    settled: [unknown],
  });
  await setPhase(2, "aborted");
  expect(await agents.heartbeat(beatOf("a1", [idOf(2)]))).toMatchObject({ stop: [], settled: [idOf(2)] });
  expect((await database.pool.query("select * from claims")).rows).toEqual([]);
});

test("a deck of a running task is shown when the agent that holds it says so", async () => {
  await database.pool.query("update actions set attempts = 1");
  const deckUriOf = async () => {
    const { rows } = await database.pool.query(
      "select deck_uri, a.changed_seq = r.changed_seq as is_told from actions a, runs r",
    );
    return rows[0];
  };
  const beatWithDeck = (agentId: string, attempt = 0) =>
    agents.heartbeat({ ...beatOf(agentId, [idOf(2, attempt)]), decks: [idOf(2, attempt)] });
  await agents.claim(claimOf("a1", 2));
  await beatWithDeck("a2");
  expect(await deckUriOf()).toMatchObject({ deck_uri: null });
  await beatWithDeck("a1");
  await beatWithDeck("a1");
  const uri = storage.join("meta/flytesnacks/development/run1/n0-2/0/deck.html");
  expect(await deckUriOf()).toEqual({ deck_uri: uri, is_told: true });
  const { rows } = await database.pool.query("select changed_seq from runs");
  expect(rows).toEqual([{ changed_seq: "2" }]);
  await insertAttempt(2, 1);
  await agents.claim(claimOf("a1", 2, 1));
  await beatWithDeck("a1", 1);
  expect(await deckUriOf()).toMatchObject({ deck_uri: uri });
});

test("a live agent's id cannot be taken over from another pool", async () => {
  await agents.heartbeat(beatOf("a1"));
  await expect(agents.heartbeat({ ...beatOf("a1"), pool: "gpu" })).rejects.toMatchObject({ reason: "agent_id_taken" });
});

test("a claim that its agent forgot is given up, and reported as lost where it ran", async () => {
  await insertAction(3);
  await insertAttempt(3);
  await agents.claim(claimOf("a1", 2));
  await agents.claim(claimOf("a1", 3));
  await setPhase(3, "running");
  await agents.heartbeat(beatOf("a1"));
  expect((await database.pool.query("select * from claims")).rows).toHaveLength(2);
  await database.pool.query("update claims set claimed_at = now() - interval '1 minute'");
  await agents.heartbeat(beatOf("a1"));
  expect((await database.pool.query("select * from claims")).rows).toEqual([]);
  const { rows } = await database.pool.query("select event from events");
  expect(rows).toMatchObject([{ event: { type: "attemptLost", ordinal: 3, attempt: 0 } }]);
});

const chunkOf = (offset: number, text: string | Buffer, token = attemptToken(KEY, idOf(2))) => ({
  ...idOf(2),
  token,
  offset,
  data: Buffer.from(text).toString("base64"),
});

test("log chunks are stored once, overlaps are read once, and a gap waits for its chunk", async () => {
  const logs = createLogService(database.pool, storage);
  await agents.claim(claimOf("a1", 2));
  await agents.appendLogs({ agentId: "a1", chunks: [chunkOf(0, "hello "), chunkOf(12, "!")] }, "default");
  expect(await logs.read(idOf(2), 0, 100)).toEqual({ text: "hello ", nextOffset: 6 });
  await agents.appendLogs(
    {
      agentId: "a1",
      chunks: [chunkOf(0, "hello wor"), chunkOf(0, "hel"), chunkOf(6, "world ")],
    },
    "default",
  );
  expect(await logs.read(idOf(2), 0, 100)).toEqual({ text: "hello world !", nextOffset: 13 });
  expect(await logs.read(idOf(2), 8, 3)).toEqual({ text: "rld", nextOffset: 11 });
});

test("a log chunk is stored for the agent that makes the attempt, with the attempt's token, and for nobody else", async () => {
  const append = async (agentId: string, pool: string, token?: string) =>
    (await agents.appendLogs({ agentId, chunks: [chunkOf(0, "x", token)] }, pool)).stored;
  expect(await append("a1", "default")).toBe(0);
  await agents.claim(claimOf("a1", 2));
  expect(await append("a1", "default", "wrong-token-of-20-chars")).toBe(0);
  expect(await append("a2", "default")).toBe(0);
  expect(await append("a1", "gpu")).toBe(0);
  expect(await append("a1", "default")).toBe(1);
  // The scheduler deletes the claim with the end of the attempt; the last lines may come later.
  await database.pool.query("delete from claims");
  await database.pool.query("update attempts set agent_id = 'a1'");
  expect(await append("a2", "default")).toBe(0);
  expect(await append("a1", "default")).toBe(1);
});

test("a character that a page would cut comes whole with the next page", async () => {
  const logs = createLogService(database.pool, storage);
  await agents.claim(claimOf("a1", 2));
  await agents.appendLogs({ agentId: "a1", chunks: [chunkOf(0, "aé€")] }, "default");
  expect(await logs.read(idOf(2), 0, 5)).toEqual({ text: "aé", nextOffset: 3 });
  expect(await logs.read(idOf(2), 3, 5)).toEqual({ text: "€", nextOffset: 6 });
});

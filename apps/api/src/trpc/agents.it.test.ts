import { type HeartbeatRequest, HeartbeatResponse, UNLIMITED } from "@skein/contracts";
import { insertProject, insertRow, insertRun, insertWorkflow } from "@skein/testing";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { signAgentToken } from "../auth/tokens.ts";
import { startTestApi, TEST_SECRET_KEY, type TestApi } from "../testing/start-test-api.ts";
import { openTestTrpc, type TestTrpc } from "../testing/trpc-client.ts";

let api: TestApi;
let people: TestTrpc;

beforeAll(async () => {
  api = await startTestApi();
  people = openTestTrpc(`http://${api.address}`);
});
beforeEach(() => api.database.pool.query("truncate agents, claims, attempts"));
afterAll(() => api?.close());

const beat = async (agentId: string, change: Partial<HeartbeatRequest> = {}): Promise<HeartbeatResponse> => {
  const pool = change.pool ?? "default";
  const agent = openTestTrpc(`http://${api.address}`, {
    authorization: `Bearer ${await signAgentToken(TEST_SECRET_KEY, { subject: agentId, pool, lifetimeSeconds: 60 })}`,
  });
  const answer = await agent.agent.heartbeat.mutate({
    agentId,
    pool,
    runtime: "docker",
    version: "1.2.3",
    capacity: { slots: 4, cpuMillis: 4000, memoryMiB: 8192, gpus: 1 },
    attempts: [],
    draining: false,
    ...change,
  });
  return HeartbeatResponse.parse(answer);
};

test("people see agents with what they have, say and hold, and pools with what waits for them", async () => {
  await beat("a1", { labels: { zone: "eu-1" } });
  const unlimited = { slots: 1000, cpuMillis: UNLIMITED, memoryMiB: UNLIMITED, gpus: UNLIMITED };
  await beat("launcher", { pool: "pods", runtime: "kubernetes", capacity: unlimited });
  await beat("gone");
  await api.database.pool.query("update agents set lease_expires_at = now() - interval '1 second' where id = 'gone'");
  await insertProject(api.database.pool).catch(() => undefined);
  const runId = await insertRun(api.database.pool, await insertWorkflow(api.database.pool));
  for (const [ordinal, pool] of [
    [2, "default"],
    [3, "default"],
    [4, "empty"],
  ] as const) {
    const attempt = { run_id: runId, ordinal, attempt: 0, project: "flytesnacks", shard: 0, pool, kind: "container" };
    const state = { phase: "queued", token_hash: Buffer.alloc(32), queued_at: new Date(), changed_seq: 1 };
    await insertRow(api.database.pool, "attempts", { ...attempt, ...state });
  }
  await insertRow(api.database.pool, "claims", { run_id: runId, ordinal: 2, attempt: 0, agent_id: "a1", shard: 0 });

  const { items } = await people.agents.list.query({ isLive: true });
  expect(items).toMatchObject([
    {
      ...{ id: "a1", pool: "default", runtime: "docker", version: "1.2.3", labels: { zone: "eu-1" }, held: 1 },
      ...{ slots: 4, cpuMillis: 4000, memoryMiB: 8192, gpus: 1, isCordoned: false, isDraining: false, isLive: true },
    },
    { id: "launcher", pool: "pods", slots: 1000, cpuMillis: null, memoryMiB: null, gpus: null },
  ]);
  const gone = await people.agents.list.query({ pool: "default", isLive: false });
  expect(gone.items).toMatchObject([{ id: "gone", isLive: false }]);
  expect((await people.pools.list.query(undefined)).items).toEqual([
    { pool: "default", agents: 1, openAgents: 1, slots: 4, held: 1, queued: 1 },
    { pool: "empty", agents: 0, openAgents: 0, slots: 0, held: 0, queued: 1 },
    { pool: "pods", agents: 1, openAgents: 1, slots: 1000, held: 0, queued: 0 },
  ]);
});

test("a cordoned agent hears of it with every heartbeat, until it is taken back", async () => {
  expect(await beat("a1")).toMatchObject({ isCordoned: false });
  expect(await people.agents.drain.mutate({ agentId: "a1" })).toMatchObject({ id: "a1", isCordoned: true, held: 0 });
  expect(await beat("a1", { draining: true })).toMatchObject({ isCordoned: true });
  expect((await people.pools.list.query(undefined)).items).toMatchObject([{ agents: 1, openAgents: 0, slots: 0 }]);
  await people.agents.cordon.mutate({ agentId: "a1", isCordoned: false });
  expect(await beat("a1")).toMatchObject({ isCordoned: false });
  const unknown = people.agents.cordon.mutate({ agentId: "nobody", isCordoned: true });
  await expect(unknown).rejects.toMatchObject({ data: { skein: { reason: "agent_not_found" } } });
});

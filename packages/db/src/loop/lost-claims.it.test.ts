import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deleteEndedClaims, readLostClaims } from "./lost-claims.ts";

let database: TestDatabase;
let runId: string;
beforeEach(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  runId = await insertRun(database.pool, await insertWorkflow(database.pool));
  await insertAgent("dead", new Date(0));
  await insertAgent("live", new Date(Date.now() + 60_000));
});
afterEach(() => database.close());

const insertAgent = (id: string, leaseExpiresAt: Date) =>
  insertRow(database.pool, "agents", {
    id,
    pool: "default",
    runtime: "process",
    version: "0",
    slots: 1,
    cpu_millis: 0,
    memory_mib: 0,
    gpus: 0,
    heartbeat_at: new Date(),
    lease_expires_at: leaseExpiresAt,
  });

async function insertClaimed(ordinal: number, phase: string, agentId: string): Promise<void> {
  const id = { run_id: runId, ordinal, attempt: 0 };
  await insertRow(database.pool, "attempts", {
    ...id,
    project: "flytesnacks",
    shard: 0,
    pool: "default",
    kind: "container",
    phase,
    token_hash: Buffer.alloc(32),
    queued_at: new Date(),
    ended_at: ["succeeded", "aborted"].includes(phase) ? new Date() : null,
    changed_seq: 1,
  });
  await insertRow(database.pool, "claims", { ...id, agent_id: agentId, shard: 0 });
}

const lost = async () => (await readLostClaims(database.pool, [0], 10)).map(({ id, agentId }) => [id.ordinal, agentId]);
const claimed = async () =>
  (await database.pool.query<{ ordinal: number }>("select ordinal from claims order by 1")).rows.map(
    (row) => row.ordinal,
  );

test("attempts of dead and unknown agents are lost, unless they are over", async () => {
  await insertClaimed(2, "running", "dead");
  await insertClaimed(3, "queued", "unknown");
  await insertClaimed(4, "aborting", "dead");
  await insertClaimed(5, "running", "live");
  await insertClaimed(6, "aborted", "dead");
  await insertClaimed(7, "succeeded", "unknown");
  expect((await lost()).sort()).toEqual([
    [2, "dead"],
    [3, "unknown"],
    [4, "dead"],
  ]);
});

test("what dead agents left on attempts that are over, or gone, is deleted", async () => {
  await insertClaimed(2, "running", "dead");
  await insertClaimed(3, "aborted", "dead");
  await insertClaimed(4, "succeeded", "unknown");
  await insertClaimed(5, "succeeded", "live");
  await insertRow(database.pool, "claims", { run_id: runId, ordinal: 6, attempt: 0, agent_id: "dead", shard: 0 });
  expect(await deleteEndedClaims(database.pool, [1], 10)).toBe(0);
  expect(await deleteEndedClaims(database.pool, [0], 2)).toBe(2);
  expect(await deleteEndedClaims(database.pool, [0], 2)).toBe(1);
  // A live agent gives its own claims back by its heartbeats.
  expect(await claimed()).toEqual([2, 5]);
});

import { randomUUID } from "node:crypto";
import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  beatReservations,
  deleteExpiredReservations,
  releaseReservation,
  takeReservations,
  type WantedReservation,
} from "./reservations.ts";

const TENANT = { project: "flytesnacks", domain: "development" };

let database: TestDatabase;
let workflowId: number;
beforeAll(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
});
afterAll(() => database.close());

const freshTag = () => `flyte_cached-${randomUUID()}`;
const addressOf = (tag: string) => ({ ...TENANT, datasetName: "flyte_task-t", datasetVersion: "1", tag });

async function insertAction(shard = 0): Promise<{ runId: string; ordinal: number }> {
  const runId = await insertRun(database.pool, workflowId, { shard });
  const names = { name: "n0", spec_node_id: "n0", kind: "task" };
  await insertRow(database.pool, "actions", {
    run_id: runId,
    ordinal: 2,
    ...TENANT,
    ...names,
    phase: "queued",
    changed_seq: 1,
  });
  return { runId, ordinal: 2 };
}

const wantedBy = (tag: string, action: { runId: string; ordinal: number }): WantedReservation => ({
  ...addressOf(tag),
  ownerId: `${action.runId}/${action.ordinal}`,
  action,
  heartbeatSeconds: 10,
});
const clientWants = (tag: string, ownerId: string): WantedReservation => ({
  ...addressOf(tag),
  ownerId,
  action: null,
  heartbeatSeconds: 10,
});
const take = async (wanted: WantedReservation) => (await takeReservations(database.pool, [wanted]))[0]?.ownerId;
const endAction = ({ runId }: { runId: string }) =>
  database.pool.query("update actions set phase = 'failed', ended_at = now() where run_id = $1", [runId]);
const expireAll = () => database.pool.query("update cache_reservations set expires_at = now() - interval '1 second'");
const countOf = async (tag: string) =>
  (await database.pool.query("select from cache_reservations where tag = $1", [tag])).rowCount;

test("the first who asks holds it, and may ask again", async () => {
  const tag = freshTag();
  expect(await take(clientWants(tag, "a"))).toBe("a");
  expect(await take(clientWants(tag, "b"))).toBe("a");
  const [extended] = await takeReservations(database.pool, [clientWants(tag, "a")]);
  expect(extended).toMatchObject({ ownerId: "a", heartbeatSeconds: 10 });
  const seconds = ((extended?.expiresAt.getTime() ?? 0) - Date.now()) / 1_000;
  expect(seconds).toBeGreaterThan(25);
  expect(seconds).toBeLessThan(35);
});

test("of many who ask at once exactly one holds each, whatever the order they ask in", async () => {
  const tags = Array.from({ length: 10 }, freshTag);
  const askers = Array.from({ length: 8 }, (_, asker) => ({
    ownerId: `asker-${asker}`,
    tags: asker % 2 === 0 ? tags : [...tags].reverse(),
  }));
  const answers = await Promise.all(
    askers.map(async ({ ownerId, tags: wanted }) => {
      const held = await takeReservations(
        database.pool,
        wanted.map((tag) => clientWants(tag, ownerId)),
      );
      return wanted.filter((_, index) => held[index]?.ownerId === ownerId);
    }),
  );
  expect(answers.flat().sort()).toEqual([...tags].sort());
});

test("an expired one, and one whose action is over, goes to the next who asks", async () => {
  const [expired, failed] = [freshTag(), freshTag()];
  expect(await take(clientWants(expired, "a"))).toBe("a");
  await expireAll();
  expect(await take(clientWants(expired, "b"))).toBe("b");
  expect(await take(clientWants(expired, "a"))).toBe("b");

  const [first, second] = [await insertAction(), await insertAction()];
  expect(await take(wantedBy(failed, first))).toBe(`${first.runId}/2`);
  expect(await take(wantedBy(failed, second))).toBe(`${first.runId}/2`);
  await endAction(first);
  expect(await take(wantedBy(failed, second))).toBe(`${second.runId}/2`);
});

test("of two who ask at once for an expired one only one is told that it is theirs", async () => {
  for (let round = 0; round < 20; round += 1) {
    const tag = freshTag();
    await take(clientWants(tag, "old"));
    await expireAll();
    const owners = ["old", "a", "b"];
    const answers = await Promise.all(owners.map((ownerId) => take(clientWants(tag, ownerId))));
    const winners = owners.filter((ownerId, index) => answers[index] === ownerId);
    const { rows } = await database.pool.query("select owner_id from cache_reservations where tag = $1", [tag]);
    expect(winners).toEqual(rows.map((row) => row.owner_id));
  }
});

test("only its owner gives it back", async () => {
  const tag = freshTag();
  await take(clientWants(tag, "a"));
  await releaseReservation(database.pool, addressOf(tag), "b");
  expect(await countOf(tag)).toBe(1);
  await releaseReservation(database.pool, addressOf(tag), "a");
  expect(await countOf(tag)).toBe(0);
  await releaseReservation(database.pool, addressOf(tag), "a");
});

test("the heartbeat of a shard keeps what its live actions hold, and drops what ended ones held", async () => {
  const [live, over, elsewhere, client] = [freshTag(), freshTag(), freshTag(), freshTag()];
  const ended = await insertAction(1);
  await take(wantedBy(live, await insertAction(1)));
  await take(wantedBy(over, ended));
  await take(wantedBy(elsewhere, await insertAction(2)));
  await take(clientWants(client, "a"));
  await expireAll();
  await endAction(ended);
  await beatReservations(database.pool, [1]);
  const { rows } = await database.pool.query(
    "select tag, expires_at > now() as held from cache_reservations where tag = any($1)",
    [[live, over, elsewhere, client]],
  );
  expect(Object.fromEntries(rows.map((row) => [row.tag, row.held]))).toEqual({
    [live]: true,
    [elsewhere]: false,
    [client]: false,
  });
});

test("what expired long ago is deleted", async () => {
  const [old, recent] = [freshTag(), freshTag()];
  await take(clientWants(old, "a"));
  await take(clientWants(recent, "a"));
  await expireAll();
  await database.pool.query("update cache_reservations set expires_at = now() - interval '2 hours' where tag = $1", [
    old,
  ]);
  expect(await deleteExpiredReservations(database.pool)).toBeGreaterThanOrEqual(1);
  expect([await countOf(old), await countOf(recent)]).toEqual([0, 1]);
});

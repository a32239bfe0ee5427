import { KEEP_LABEL, setRetention } from "@skein/db/retention";
import { insertRow } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { retentionRound } from "./retention-rounds.ts";
import { PurgeWorld } from "./test-purge-world.ts";

let world: PurgeWorld;
beforeAll(async () => {
  world = await PurgeWorld.open("file");
  await world.pool.query("insert into domains (id, name) values ('production', 'production')");
});
afterAll(() => world?.close());

const project = "flytesnacks";
const dayAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
const aged = (days: number, columns = {}) => ({
  ...{ created_at: dayAgo(days), started_at: dayAgo(days), ended_at: dayAgo(days) },
  ...columns,
});
const names = async () =>
  (await world.pool.query<{ name: string }>("select name from runs order by name")).rows.map(({ name }) => name);

async function retain(): Promise<void> {
  await retentionRound(world.options())();
  await world.untilDone();
}

test("what is older than a project keeps it goes, and nothing that is held", async () => {
  await world.addRun("new", aged(5));
  await world.addRun("old", aged(40));
  await world.addRun("archived", aged(40, { state: "archived" }));
  // It began long ago, and has just ended.
  await world.addRun("long", aged(40, { ended_at: dayAgo(1) }));
  const going = await world.addRun("going", aged(40, { phase: "running", ended_at: null }));
  await world.addRun("child", aged(40, { parent_run_id: going, parent_ordinal: 2, parent_attempt: 0 }));
  await world.addRun("elsewhere", aged(40, { domain: "production" }));
  const held = await world.addRun("held", aged(40));
  await insertRow(world.pool, "run_tags", { run_id: held, tag: KEEP_LABEL, value: "true" });
  const all = await names();
  await retain();
  expect(await names()).toEqual(all);

  await setRetention(world.pool, { project, domain: "", runDays: 30, objectDays: null }, "ann");
  // A domain's own rule stands in the place of the project's.
  await setRetention(world.pool, { project, domain: "production", runDays: 60, objectDays: null }, "ann");
  await retain();
  expect(await names()).toEqual(["child", "elsewhere", "going", "held", "long", "new"]);
  await setRetention(world.pool, { project, domain: "production", runDays: 39, objectDays: null }, "ann");
  await retain();
  expect(await names()).not.toContain("elsewhere");
});

test("objects may go before their run, which keeps its rows and what its values lie in", async () => {
  await world.pool.query("delete from retention");
  const runId = await world.addRun("light", aged(10));
  const { meta, raw, log } = await world.addObjects("light");
  await world.pool.query("update attempts set log_uri = $2, log_bytes = 3 where run_id = $1", [runId, log]);
  const value = { run_id: runId, ordinal: 2, side: "outputs", uri: meta, size_bytes: 1 };
  await insertRow(world.pool, "action_values", value);
  await setRetention(world.pool, { project, domain: "", runDays: 30, objectDays: 7 }, "ann");
  await retain();
  const left = await world.objects();
  expect(left).toContain(meta);
  for (const uri of [raw, log]) expect(left).not.toContain(uri);
  expect(await world.count("actions", runId)).toBe(1);
  const { rows } = await world.pool.query("select log_uri from attempts where run_id = $1", [runId]);
  expect(rows).toEqual([{ log_uri: null }]);
  const ended = (await world.purgeOf(runId)).ended_at;
  await retain();
  expect((await world.purgeOf(runId)).ended_at).toEqual(ended);
});

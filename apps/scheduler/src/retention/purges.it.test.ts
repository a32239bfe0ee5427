import { RUN_TABLES } from "@skein/db/retention";
import { INSTALL_VERSITYGW, insertRow, requireTool } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PurgeWorld, rawFolder, SMALL_STEPS } from "./test-purge-world.ts";

const hasS3 = requireTool("versitygw", INSTALL_VERSITYGW) !== undefined;
/** Rows that outlive their run: they say what was deleted, and what is kept. */
const RECORDS = ["purges", "kept_objects"];

describe.each(hasS3 ? (["file", "s3"] as const) : (["file"] as const))("a purge with %s storage", (kind) => {
  let world: PurgeWorld;
  beforeAll(async () => {
    world = await PurgeWorld.open(kind);
  });
  afterAll(() => world?.close());

  test("leaves nothing of a run, and all of its neighbours, however often the scheduler dies", async () => {
    const [runId, other] = [await world.addRun("mine"), await world.addRun("mine2")];
    await world.addObjects("mine");
    const kept = Object.values(await world.addObjects("mine2")).sort();
    expect((await world.delete(runId)).type).toBe("requested");
    const dying = {
      ...{ rootUri: world.storage.rootUri, join: world.storage.join.bind(world.storage) },
      list: world.storage.list.bind(world.storage),
      remove: () => Promise.reject(new Error("the process was killed")),
    };
    for (const fails of [true, false, true, false, false, true])
      await world.round(fails ? dying : undefined, SMALL_STEPS);
    expect(await world.purgeOf(runId)).toMatchObject({ ended_at: null });
    await world.untilDone();
    expect(await world.objects()).toEqual(kept);
    for (const table of [...RUN_TABLES, "runs"]) expect([table, await world.count(table, runId)]).toEqual([table, 0]);
    for (const table of ["runs", "actions", "attempts", "log_chunks"]) expect(await world.count(table, other)).toBe(1);
    expect(await world.purgeOf(runId)).toMatchObject({
      objects_deleted: "4",
      waits_for: null,
      ended_at: expect.any(Date),
    });
  });

  test("keeps what others point at until they do not, and the name with it", async () => {
    const runId = await world.addRun("pointed");
    const reader = await world.addRun("reader");
    const { meta, raw } = await world.addObjects("pointed");
    // The folder that holds the file, as a dataset's address is.
    await world.link(reader, raw.slice(0, raw.lastIndexOf("/")));
    await insertRow(world.pool, "action_values", {
      run_id: reader,
      ordinal: 5,
      side: "inputs",
      uri: meta,
      size_bytes: 1,
    });
    await world.delete(runId);
    await world.untilDone();
    const ours = async () => (await world.objects()).filter((uri) => uri.includes("/pointed"));
    expect(await ours()).toEqual([meta, raw].sort());
    expect(await world.count("runs", runId)).toBe(1);
    expect(await world.count("actions", runId)).toBe(0);
    await expect(world.addRun("pointed")).rejects.toThrow("runs_identity");

    await world.release();
    expect(await ours()).toHaveLength(2);
    await world.delete(reader);
    await world.untilDone();
    await world.release();
    expect(await ours()).toEqual([]);
    expect(await world.count("runs", runId)).toBe(0);
    expect(await world.count("kept_objects", runId)).toBe(0);
  });

  test("keeps all that a cached attempt wrote until its entry is evicted", async () => {
    const runId = await world.addRun("cached");
    const { meta, raw, log } = await world.addObjects("cached");
    const entry = await world.cache(runId);
    await world.delete(runId);
    await world.untilDone();
    const ours = async () => (await world.objects()).filter((uri) => uri.includes("/cached"));
    expect(await ours()).toEqual([meta, raw].sort());
    expect(await world.objects()).not.toContain(log);
    await world.release();
    expect(await ours()).toHaveLength(2);
    await world.pool.query("delete from cache_entries where id = $1", [entry]);
    await world.release();
    expect(await ours()).toEqual([]);
    expect(await world.count("runs", runId)).toBe(0);
  });
});

describe("a purge", () => {
  let world: PurgeWorld;
  beforeAll(async () => {
    world = await PurgeWorld.open("file");
  });
  afterAll(() => world?.close());

  test("keeps files of others that a cached output of the run passes on", async () => {
    const [maker, passer] = [await world.addRun("maker"), await world.addRun("passer")];
    const { raw } = await world.addObjects("maker");
    await world.link(passer, raw, "outputs");
    const entry = await world.cache(passer);
    for (const runId of [passer, maker]) await world.delete(runId);
    await world.untilDone();
    expect(await world.objects()).toContain(raw);
    await world.pool.query("delete from cache_entries where id = $1", [entry]);
    await world.release();
    expect(await world.objects()).not.toContain(raw);
    await world.release();
    for (const runId of [passer, maker]) expect(await world.count("runs", runId)).toBe(0);
  });

  test("keeps what a catalog's client wrote into an entry of its own, and the workflow that a recovered run took over", async () => {
    const runId = await world.addRun("told");
    const { raw, meta, inputs } = await world.addObjects("told");
    const nobody = { source_run_id: null, source_ordinal: null, source_attempt: null };
    await world.cache(runId, { ...nobody, data: Buffer.from(`\u0001 ${raw} \u0002`) });
    await world.cache(runId, { ...nobody, data: null, uri: inputs });
    const recovered = await world.addRun("recovered", { reference_run_id: runId, mode: "recovered" });
    await insertRow(world.pool, "expansions", {
      run_id: recovered,
      ordinal: 7,
      spec_uri: meta,
      compiled: Buffer.alloc(1),
    });
    await world.delete(runId);
    await world.untilDone();
    expect((await world.objects()).filter((uri) => uri.includes("/told"))).toEqual([inputs, meta, raw].sort());
  });

  test("leaves a folder whose name another run's attempt has too", async () => {
    const ours = await world.addRun("a");
    await world.pool.query("update actions set name = 'b-n0' where run_id = $1", [ours]);
    const theirs = await world.addRun("a-b");
    expect(rawFolder("a", "b-n0")).toBe(rawFolder("a-b", "n0"));
    const { raw } = await world.addObjects("a-b");
    await world.delete(ours);
    await world.untilDone();
    expect(await world.objects()).toContain(raw);
    expect(await world.purgeOf(ours)).toMatchObject({ folders_left: 1 });
    await world.delete(theirs);
    await world.untilDone();
    expect(await world.objects()).not.toContain(raw);
  });

  test.each(["..", "../../uploads", ".", "a/../.."])("of a run that is named %j touches no object", async (name) => {
    const before = await world.objects();
    const runId = await world.addRun(name);
    await world.delete(runId);
    await world.untilDone();
    expect(await world.objects()).toEqual(before);
    expect(await world.count("runs", runId)).toBe(0);
  });

  test("is refused while the run, its parent or a run that recovers it is not over", async () => {
    const going = { phase: "running", ended_at: null };
    const running = await world.addRun("running", going);
    expect(await world.delete(running)).toMatchObject({ type: "unfinished", by: { name: "running" } });
    const child = await world.addRun("child", { parent_run_id: running, parent_ordinal: 2, parent_attempt: 0 });
    expect(await world.delete(child)).toMatchObject({ type: "unfinished", by: { name: "running" } });
    const old = await world.addRun("old");
    await world.addRun("again", { ...going, reference_run_id: old, mode: "relaunch" });
    const recovers = await world.addRun("recovers", { ...going, reference_run_id: old, mode: "recovered" });
    expect(await world.delete(old)).toMatchObject({ type: "needed", by: { name: "recovers" } });
    await world.pool.query("update runs set phase = 'succeeded', ended_at = now() where id = $1", [recovers]);
    expect(await world.delete(old)).toMatchObject({ type: "requested" });
    expect(await world.delete(old)).toEqual({ type: "gone" });
  });

  test("waits for a run that began to recover it in the same moment", async () => {
    const runId = await world.addRun("raced");
    await world.delete(runId);
    const late = await world.addRun("late", {
      phase: "running",
      ended_at: null,
      reference_run_id: runId,
      mode: "recovered",
    });
    await world.untilDone();
    expect(await world.count("actions", runId)).toBe(1);
    expect((await world.purgeOf(runId)).waits_for).toContain("late");
    await world.pool.query("update runs set phase = 'succeeded', ended_at = now() where id = $1", [late]);
    await world.untilDone();
    expect(await world.count("runs", runId)).toBe(0);
  });

  test("takes child runs and those of eager tasks along where it is asked to", async () => {
    const parent = await world.addRun("parent");
    const child = await world.addRun("kid", { parent_run_id: parent, parent_ordinal: 2, parent_attempt: 0 });
    const grandchild = await world.addRun("grandkid", { parent_run_id: child, parent_ordinal: 2, parent_attempt: 0 });
    const eager = await world.addRun("eager");
    await insertRow(world.pool, "run_tags", { run_id: eager, tag: "eager-exec", value: "parent" });
    const outcome = await world.delete(parent, true);
    expect(outcome).toMatchObject({ runs: ["eager", "grandkid", "kid", "parent"].map((name) => ({ name })) });
    await world.untilDone();
    for (const runId of [parent, child, grandchild, eager]) expect(await world.count("runs", runId)).toBe(0);
  });

  test("knows every table that has rows of runs", async () => {
    const { rows } = await world.pool.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'run_id'
       where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace`,
    );
    expect(rows.map(({ name }) => name).sort()).toEqual([...RUN_TABLES, ...RECORDS].sort());
  });
});

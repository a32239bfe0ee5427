import { type Api, ApiConfig, startApi } from "@skein/api/start";
import {
  createTempFolder,
  createTestDatabase,
  echoTask,
  insertRow,
  openAdminClient,
  type TestDatabase,
  waitFor,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSkeinClient, type SkeinClient } from "./client.ts";
import { type RunUpdate, watchRun } from "./watch-run.ts";

const TENANT = { project: "flytesnacks", domain: "development" };

let database: TestDatabase;
let folder: { path: string; close(): Promise<void> };
let config: ApiConfig;
let api: Api;
let client: SkeinClient;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = createTempFolder("client");
  const secretKey = "a-secret-key-of-more-than-32-characters";
  const storage = `file://${folder.path}`;
  config = ApiConfig.parse({ databaseUrl: database.url, storage, secretKey, logLevel: "silent" });
  api = await startApi({ ...config, port: 0, grpcPort: "off" });
  client = createSkeinClient({ url: api.url });
  await insertRow(database.pool, "shards", { id: 0 });
  await openAdminClient(api.url).createTask(echoTask("client.echo"));
});
afterAll(async () => {
  await api.close();
  await folder.close();
  await database.close();
});

const launch = () => client.runs.launch.mutate({ ...TENANT, task: { name: "client.echo" }, inputs: { x: 5 } });

test("what is registered can be listed and read with its interface", async () => {
  expect((await client.projects.list.query({})).items.map(({ id }) => id)).toEqual(["flytesnacks"]);
  expect((await client.projects.domains.query()).map(({ id }) => id)).toEqual(["development", "production", "staging"]);
  const { items, nextCursor } = await client.tasks.list.query({ ...TENANT, limit: 1 });
  expect([items[0]?.name, nextCursor]).toEqual(["client.echo", 1]);
  const task = await client.tasks.get.query({ ...TENANT, name: "client.echo", version: "v1" });
  expect(task.inputs).toEqual({ x: { type: { simple: "INTEGER" }, description: "" } });
});

test("a launch takes plain inputs, and the run shows them", async () => {
  const id = await launch();
  expect(await client.runs.get.query(id)).toMatchObject({ phase: "queued", principal: "anonymous", name: id.name });
  const large = { inputs: null, outputs: null };
  expect(await client.runs.data.query(id)).toEqual({ inputs: { x: "5" }, outputs: {}, large });
  const { items } = await client.runs.list.query({ ...TENANT, phases: ["queued"], limit: 1 });
  expect(items.map(({ name }) => name)).toEqual([id.name]);
});

test("a wrong input, a missing one and an unknown task are refused in words", async () => {
  const wrong = (inputs: Record<string, string | number>) =>
    client.runs.launch.mutate({ ...TENANT, task: { name: "client.echo" }, inputs });
  await expect(wrong({ x: "five" })).rejects.toThrow("inputs.x: it must be a whole number");
  await expect(wrong({ x: 5, y: 1 })).rejects.toThrow("inputs.y: there is no such input; known are: x");
  await expect(wrong({})).rejects.toThrow(/x/);
  await expect(client.runs.launch.mutate({ ...TENANT, task: { name: "none" } })).rejects.toThrow(
    "Task none does not exist",
  );
  await expect(client.runs.launch.mutate(TENANT)).rejects.toThrow("give launchPlan or task");
});

test("an abort and a relaunch are asked for like any other call", async () => {
  const id = await launch();
  await client.runs.abort.mutate({ ...id, cause: "enough" });
  const again = await client.runs.relaunch.mutate({ ...id, newName: "again" });
  expect(await client.runs.get.query(again)).toMatchObject({ name: "again", mode: "relaunch" });
});

test("runs are found by their tags and modes, and a run that is over by what it started and what repeats it", async () => {
  const id = await client.runs.launch.mutate({
    ...TENANT,
    name: "tagged",
    task: { name: "client.echo" },
    inputs: { x: 5 },
    tags: ["nightly"],
  });
  const namesOf = async (query: Partial<Parameters<typeof client.runs.list.query>[0]>) =>
    (await client.runs.list.query({ ...TENANT, ...query })).items.map(({ name }) => name);
  expect(await namesOf({ tags: ["weekly", "nightly"] })).toEqual(["tagged"]);
  expect(await namesOf({ parent: "tagged" })).toEqual([]);

  await expect(client.runs.rerun.mutate({ ...id, from: "n0" })).rejects.toThrow("is not over");
  await advance("tagged", 0, "succeeded");
  await expect(client.runs.rerun.mutate({ ...id, from: "n1" })).rejects.toThrow("has no action n1");
  const rerun = await client.runs.rerun.mutate({ ...id, newName: "rerun", from: "n0" });
  const recovered = await client.runs.recover.mutate({ ...id, newName: "recovered" });
  expect(await client.runs.get.query(rerun)).toMatchObject({ mode: "recovered", reference: id, tags: ["nightly"] });
  expect(await client.runs.get.query(recovered)).toMatchObject({ mode: "recovered", reference: id, parent: null });
  expect(await namesOf({ modes: ["recovered"] })).toEqual(["recovered", "rerun"]);

  await database.pool.query(
    `update runs set parent_run_id = r.id, parent_ordinal = 0, parent_attempt = 0
     from runs r where runs.name = 'rerun' and r.name = 'tagged'`,
  );
  expect(await namesOf({ parent: "tagged" })).toEqual(["rerun"]);
});

/** Writes what the scheduler would: a step's row and the run's phase under one new sequence. */
async function advance(runName: string, ordinal: number, phase: string): Promise<void> {
  await database.pool.query(
    `with run as (
       update runs set changed_seq = changed_seq + 1, phase = $3::run_phase,
         started_at = coalesce(started_at, now()), ended_at = case when $3 = 'succeeded' then now() end
       where name = $1 returning id, changed_seq)
     insert into actions (run_id, ordinal, project, domain, name, spec_node_id, kind, phase, changed_seq)
     select id, $2::int, 'flytesnacks', 'development', 'n' || $2::int, 'n', 'task', 'queued', changed_seq from run`,
    [runName, ordinal, phase],
  );
  await database.pool.query("select pg_notify('skein_changes', '')");
}

test("a watcher is told every change and ends with the run", async () => {
  const id = await launch();
  const updates: RunUpdate[] = [];
  const watching = (async () => {
    for await (const update of watchRun(client, id)) updates.push(update);
  })();
  await waitFor(() => updates.length === 1);
  await advance(id.name, 0, "running");
  await waitFor(() => updates.length === 2);
  await advance(id.name, 1, "succeeded");
  await watching;
  expect(updates.map(({ run, actions }) => [run.phase, actions.map(({ name }) => name)])).toEqual([
    ["queued", []],
    ["running", ["n0"]],
    ["succeeded", ["n1"]],
  ]);
});

test("a watcher that comes back is told only what it missed", async () => {
  const id = await launch();
  await advance(id.name, 0, "running");
  const { changed_seq: sequence } = (
    await database.pool.query<{ changed_seq: string }>("select changed_seq from runs where name = $1", [id.name])
  ).rows[0] ?? { changed_seq: "" };
  await advance(id.name, 1, "succeeded");
  const names: string[] = [];
  await new Promise<void>((resolve, reject) => {
    client.runs.watch.subscribe(
      { ...id, lastEventId: `${sequence}.0` },
      {
        onData: ({ data }) => names.push(...data.actions.map(({ name }) => name)),
        onComplete: resolve,
        onError: reject,
      },
    );
  });
  expect(names).toEqual(["n1"]);
});

test("watching a run that does not exist fails", async () => {
  const watching = (async () => {
    for await (const _ of watchRun(client, { ...TENANT, name: "none" }));
  })();
  await expect(watching).rejects.toThrow("Run none does not exist");
});

test("a stopping server ends its watches and does not wait for them", async () => {
  const id = await launch();
  const other = await startApi({ ...config, port: 0, grpcPort: "off" });
  const response = await fetch(`${other.url}/trpc/runs.watch?input=${encodeURIComponent(JSON.stringify(id))}`);
  const reader = response.body?.getReader();
  await reader?.read();
  const before = performance.now();
  await other.close();
  expect(performance.now() - before).toBeLessThan(5_000);
  await reader?.cancel().catch(() => undefined);
});

test("leaving a watch leaves nothing behind", async () => {
  const id = await launch();
  for await (const { run } of watchRun(client, id)) {
    expect(run.phase).toBe("queued");
    break;
  }
});

import { randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { insertArtifact, moveCacheTag } from "@skein/db";
import { type ArraySpec, type CacheAddress, compileWorkflow, type GraphNode, readProgram } from "@skein/engine";
import { CompiledTaskSchema, type Literal, LiteralMapSchema, LiteralSchema } from "@skein/idl/core";
import { openStorage, type Storage } from "@skein/storage";
import { openLogger } from "@skein/telemetry";
import {
  chainOf,
  createTempFolder,
  createTestDatabase,
  echoTask,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  integerInputs,
  TEST_TENANT,
  type TestDatabase,
} from "@skein/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Values } from "../values.ts";
import { checkCache } from "./check-cache.ts";
import { CacheKeys } from "./check-cache-keys.ts";
import type { CarryOut, Errand, ErrandOutcome, ErrandTools } from "./errand.ts";

const folder = createTempFolder("check-cache");
let database: TestDatabase;
let storage: Storage;
let workflowId: number;
beforeAll(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool);
  storage = await openStorage({ uri: `file://${folder.path}` });
});
afterAll(async () => {
  await storage.close();
  await database.close();
  await folder.close();
});
afterEach(async () => {
  await database.pool.query("truncate cache_entries, cache_tags, cache_reservations");
});

/** What one scheduler carries errands out with: nothing in memory is shared between two. */
const toolsOf = (): ErrandTools => ({
  pool: database.pool,
  db: database.db,
  values: new Values(database.pool, storage),
  storage,
  logger: openLogger({ name: "test", level: "silent" }),
  onEvents: () => undefined,
});
const scheduler = (): CarryOut => checkCache(toolsOf());

interface Settings {
  readonly version?: string;
  readonly isSerialized?: boolean;
  readonly ignored?: readonly string[];
}

/** The node of a cached echo task from `x` to `x`, as a run's program holds it. */
function cachedNode({ version = "1", isSerialized = false, ignored = [] }: Settings = {}): GraphNode {
  const task = echoTask("echo");
  const template = task.spec?.template;
  if (!template?.metadata) throw new Error("the task has a template");
  Object.assign(template.metadata, {
    discoverable: true,
    discoveryVersion: version,
    cacheSerializable: isSerialized,
    cacheIgnoreInputVars: [...ignored],
  });
  const workflow = chainOf("chain", task, 1).spec?.template;
  if (!workflow) throw new Error("the workflow has a template");
  const compiled = compileWorkflow({ template: workflow, tasks: [create(CompiledTaskSchema, { template })] });
  if (!("closure" in compiled)) throw new Error(JSON.stringify(compiled.errors));
  const node = readProgram(compiled.closure).root.nodes.find(({ id }) => id === "n0");
  if (!node?.cache) throw new Error("the node is cached");
  return node;
}

const bytesOf = (literals: Record<string, number>): Uint8Array =>
  toBinary(LiteralMapSchema, create(LiteralMapSchema, integerInputs(literals)));

let lastErrandId = 0;
interface ErrandMore {
  readonly overwriteCache?: boolean;
  readonly item?: { readonly index: number; readonly map: ArraySpec };
}

/** A queued action with these inputs, and the errand to look it up. */
async function errandOf(node: GraphNode, inputs: Uint8Array, more: ErrandMore = {}): Promise<Errand> {
  const runId = await insertRun(database.pool, workflowId);
  const ordinal = 2;
  const names = { name: "n0", spec_node_id: "n0", kind: "task" };
  const place = { run_id: runId, ordinal };
  await insertRow(database.pool, "actions", { ...place, ...TEST_TENANT, ...names, phase: "queued", changed_seq: 1 });
  const inputsOrdinal = more.item ? 1 : null;
  const value = { data: inputs, size_bytes: inputs.length };
  await insertRow(database.pool, "action_values", {
    run_id: runId,
    ordinal: inputsOrdinal ?? ordinal,
    side: "inputs",
    ...value,
  });
  lastErrandId += 1;
  return {
    id: lastErrandId,
    kind: "check_cache",
    run: {
      runId,
      shard: 0,
      org: "",
      ...TEST_TENANT,
      name: "run",
      workflowId,
      referenceRunId: null,
      overwriteCache: more.overwriteCache ?? false,
      parent: null,
    },
    ordinal,
    attempt: 0,
    action: {
      name: "n0",
      kind: "task",
      node,
      itemIndex: more.item?.index ?? null,
      itemCount: null,
      inputsOrdinal,
      referenceOrdinal: null,
      phase: "queued",
      attempts: 0,
    },
    map: more.item?.map ?? null,
  };
}

const addressOf = async (errand: Errand): Promise<CacheAddress> => {
  const found = (await new CacheKeys(toolsOf()).of([errand])).get(errand.id);
  if (!found) throw new Error("an errand has a key");
  return found.address;
};

/** Puts outputs into the cache, as the commit that ends an action does. */
async function put(errand: Errand, value: { data: Uint8Array } | { uri: string }, isOurs = true): Promise<string> {
  const { project, domain, datasetName: name, datasetVersion: version, tag } = await addressOf(errand);
  const id = randomUUID();
  const dataset = { project, domain, name, version };
  await insertArtifact(database.db, { id, dataset, value: { ...value, sizeBytes: 9 }, metadata: {}, partitions: [] });
  await moveCacheTag(database.db, dataset, tag, id);
  const source = isOurs ? errand.run.runId : null;
  await database.pool.query("update cache_entries set source_run_id = $2 where id = $1", [id, source]);
  return id;
}

const endAction = ({ run }: Errand) =>
  database.pool.query("update actions set phase = 'failed', ended_at = now() where run_id = $1", [run.runId]);

/** The part of an outcome that matters: the status, or `waiting`. */
const shown = (outcome: ErrandOutcome | undefined): string => {
  if (outcome?.type !== "told" || outcome.event.type !== "cacheChecked") return outcome?.type ?? "none";
  return outcome.event.status;
};
const look = async (...errands: readonly Errand[]) => (await scheduler()(errands)).map(shown);

test("a miss tells the key; the same task and inputs hit in any run afterwards, with outputs and entry", async () => {
  const node = cachedNode();
  const [first] = await scheduler()([await errandOf(node, bytesOf({ x: 1 }))]);
  if (first?.type !== "told" || first.event.type !== "cacheChecked") throw new Error("a miss is told");
  expect(first).toEqual({ type: "told", event: expect.objectContaining({ ordinal: 2, status: "miss" }) });
  expect(first.event.key).toMatch(/^1-[\w-]{8}-[\w-]{8}\/flyte_cached-[\w-]{43}$/);

  const again = await errandOf(node, bytesOf({ x: 1 }));
  const entryId = await put(again, { data: bytesOf({ x: 7 }) });
  const [hit] = await scheduler()([again]);
  expect(hit).toEqual({
    type: "told",
    event: expect.objectContaining({ status: "hit", key: first.event.key }),
    outputs: { data: Buffer.from(bytesOf({ x: 7 })), uri: null, sizeBytes: 9 },
    cacheEntryId: entryId,
  });
  expect(await look(await errandOf(node, bytesOf({ x: 2 })))).toEqual(["miss"]);
  expect(await look(await errandOf(cachedNode({ version: "2" }), bytesOf({ x: 1 })))).toEqual(["miss"]);
  expect(await look(await errandOf(cachedNode({ ignored: ["y"] }), bytesOf({ x: 1, y: 5 })))).toEqual(["hit"]);
});

test("a batch is looked up together, each in its place", async () => {
  const node = cachedNode();
  const errands = await Promise.all([0, 1, 2, 1].map((x) => errandOf(node, bytesOf({ x }))));
  const [, second] = errands;
  if (second) await put(second, { data: bytesOf({ x: 1 }) });
  expect(await look(...errands)).toEqual(["miss", "hit", "miss", "hit"]);
});

test("a run that overwrites the cache looks nothing up but keeps the key", async () => {
  const node = cachedNode();
  const errand = await errandOf(node, bytesOf({ x: 1 }), { overwriteCache: true });
  await put(errand, { data: bytesOf({ x: 1 }) });
  const [outcome] = await scheduler()([errand]);
  expect(outcome).toEqual({
    type: "told",
    event: expect.objectContaining({ status: "skipped", key: expect.any(String) }),
  });
});

test("items of a map have the keys of their own parts, shared with a task that has the same inputs", async () => {
  const node = cachedNode();
  const integer = (value: number): Literal => create(LiteralSchema, integerInputs({ x: value }).literals.x ?? {});
  const inputs = toBinary(
    LiteralMapSchema,
    create(LiteralMapSchema, {
      literals: { x: { value: { case: "collection", value: { literals: [1, 2, 1].map(integer) } } } },
    }),
  );
  const map: ArraySpec = {
    node,
    parallelism: 0,
    minSuccesses: null,
    minSuccessRatio: null,
    boundInputs: new Set(),
    isSplit: false,
    outputNames: ["x"],
  };
  const items = await Promise.all([0, 1, 2].map((index) => errandOf(node, inputs, { item: { index, map } })));
  await put(await errandOf(node, bytesOf({ x: 1 })), { data: bytesOf({ x: 1 }) });
  expect(await look(...items)).toEqual(["hit", "miss", "hit"]);
});

test("an object that is gone and outputs that the task never makes count as misses", async () => {
  const node = cachedNode();
  const uri = storage.join("kept", "outputs.pb");
  await storage.put(uri, bytesOf({ x: 1 }));
  const errand = await errandOf(node, bytesOf({ x: 1 }));
  await put(errand, { uri });
  expect(await look(errand)).toEqual(["hit"]);
  await put(errand, { uri: storage.join("kept", "gone.pb") });
  expect(await look(errand)).toEqual(["miss"]);

  await put(errand, { data: bytesOf({ x: 1 }) }, false);
  expect(await look(errand)).toEqual(["hit"]);
  await put(errand, { uri }, false);
  expect(await look(errand)).toEqual(["hit"]);
  await put(errand, { data: bytesOf({ y: 1 }) }, false);
  expect(await look(errand)).toEqual(["miss"]);
  await put(errand, { data: bytesOf({ x: 1, y: 1 }) }, false);
  expect(await look(errand)).toEqual(["miss"]);
  const text = create(LiteralMapSchema, {
    literals: {
      x: {
        value: {
          case: "scalar",
          value: { value: { case: "primitive", value: { value: { case: "stringValue", value: "1" } } } },
        },
      },
    },
  });
  await put(errand, { data: toBinary(LiteralMapSchema, text) }, false);
  expect(await look(errand)).toEqual(["miss"]);
});

test("inputs that cannot be read fail only their own lookup, and the task goes on without the cache", async () => {
  const node = cachedNode();
  const [broken, gone, fine] = [
    await errandOf(node, Uint8Array.of(255)),
    await errandOf(node, bytesOf({ x: 2 })),
    await errandOf(node, bytesOf({ x: 1 })),
  ];
  const uri = storage.join("no", "such", "inputs.pb");
  await database.pool.query("update action_values set data = null, uri = $2 where run_id = $1", [gone.run.runId, uri]);
  const [first, ...others] = await scheduler()([broken, gone, fine]);
  expect(first).toEqual({
    type: "told",
    event: { type: "cacheChecked", ordinal: 2, atMs: expect.any(Number), status: "lookup_failure", key: null },
  });
  expect(others.map(shown)).toEqual(["lookup_failure", "miss"]);
});

test("of two schedulers that look up the same at once one computes, and the other waits until it is there", async () => {
  const node = cachedNode({ isSerialized: true });
  for (let round = 0; round < 10; round += 1) {
    const errands = await Promise.all([1, 2].map(() => errandOf(node, bytesOf({ x: round }))));
    const answers = await Promise.all(errands.map((errand) => scheduler()([errand])));
    expect(answers.map(([outcome]) => shown(outcome)).sort()).toEqual(["miss", "waiting"]);
    const [owner, waiter] = answers.map(([outcome]) => shown(outcome))[0] === "miss" ? errands : [...errands].reverse();
    if (!owner || !waiter) throw new Error("there are two");
    expect(await look(waiter)).toEqual(["waiting"]);
    expect(await look(owner)).toEqual(["miss"]);
    await put(owner, { data: bytesOf({ x: 1 }) });
    expect(await look(waiter)).toEqual(["hit"]);
  }
});

test("when the owner fails or its heartbeat stops the next one takes over", async () => {
  const node = cachedNode({ isSerialized: true });
  const errands = await Promise.all([1, 2, 3].map(() => errandOf(node, bytesOf({ x: 1 }))));
  const [first, second, third] = errands;
  if (!first || !second || !third) throw new Error("there are three");
  expect(await look(first)).toEqual(["miss"]);
  expect(await look(second, third)).toEqual(["waiting", "waiting"]);
  await endAction(first);
  expect(await look(second, third)).toEqual(["miss", "waiting"]);
  expect(await look(third)).toEqual(["waiting"]);
  await database.pool.query("update cache_reservations set expires_at = now()");
  expect(await look(third)).toEqual(["miss"]);
});

test("in one batch one of those that want the same computes it: the one that already does", async () => {
  const node = cachedNode({ isSerialized: true });
  const errands = await Promise.all([1, 2, 3].map(() => errandOf(node, bytesOf({ x: 1 }))));
  const [first, second, third] = errands;
  if (!first || !second || !third) throw new Error("there are three");
  expect(await look(second)).toEqual(["miss"]);
  expect(await look(first, second, third)).toEqual(["waiting", "miss", "waiting"]);
  const [waiting] = await scheduler()([first]);
  const { project, domain, datasetName, datasetVersion, tag } = await addressOf(first);
  expect(waiting).toMatchObject({ wakeKey: [project, domain, datasetName, datasetVersion, tag].join("/") });
});

test("what the owner before put into the cache between look and turn is found, and the turn is given back", async () => {
  const node = cachedNode({ isSerialized: true });
  const errand = await errandOf(node, bytesOf({ x: 1 }));
  const tools = toolsOf();
  let looks = 0;
  // A commit of another scheduler falls between the first look and the reservation.
  const pool = new Proxy(database.pool, {
    get: (target, name) => {
      if (name !== "query") return Reflect.get(target, name);
      return async (query: { name?: string }) => {
        const answer = await target.query(query as never);
        if (query.name === "find-cached-outputs" && looks++ === 0) await put(errand, { data: bytesOf({ x: 1 }) });
        return answer;
      };
    },
  });
  expect((await checkCache({ ...tools, pool })([errand])).map(shown)).toEqual(["hit"]);
  expect((await database.pool.query("select from cache_reservations")).rowCount).toBe(0);
});

test("a serialized overwrite takes its turn and then computes", async () => {
  const node = cachedNode({ isSerialized: true });
  const [owner, overwriter] = [
    await errandOf(node, bytesOf({ x: 1 })),
    await errandOf(node, bytesOf({ x: 1 }), { overwriteCache: true }),
  ];
  expect(await look(owner)).toEqual(["miss"]);
  expect(await look(overwriter)).toEqual(["waiting"]);
  await put(owner, { data: bytesOf({ x: 1 }) });
  await endAction(owner);
  expect(await look(overwriter)).toEqual(["skipped"]);
});

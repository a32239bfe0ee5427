import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createSkeinClient } from "@skein/client";
import { CacheService } from "@skein/idl/cacheservice";
import { CatalogCacheStatus } from "@skein/idl/core";
import { DataCatalog } from "@skein/idl/datacatalog";
import {
  type AdminClient,
  cachedTask,
  chainOf,
  echoTask,
  integerInputs,
  launch,
  openAdminClient,
  outputsOf,
  register,
  TEST_TENANT,
  untilOver,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningSkein, startSkein } from "./src/index.ts";

const WORKFLOW = "catalog.chain";
const TASK = "catalog.echo";

let skein: RunningSkein;
let admin: AdminClient;
beforeAll(async () => {
  skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
  await skein.untilReady();
  admin = openAdminClient(skein.url);
  const task = cachedTask(echoTask(TASK), "1.0");
  await register(admin, [task], [chainOf(WORKFLOW, task, 1)]);
});
afterAll(() => skein?.close());

const transport = () => createGrpcTransport({ baseUrl: skein.url });

async function finished(x: number): Promise<string> {
  const run = await launch(admin, WORKFLOW, { x });
  await untilOver(admin, run);
  return run;
}

/** What clients are told about the cache of a run's only task. */
async function cacheOf(run: string) {
  const id = { nodeId: "n0", executionId: { ...TEST_TENANT, name: run } };
  const target = (await admin.getNodeExecution({ id })).closure?.targetMetadata;
  if (target?.case !== "taskNodeMetadata") throw new Error("a task's node says what the cache did");
  return target.value;
}

test("what a task cached is found by its catalog key, told with its source, changed and evicted by API", async () => {
  const [first, second] = [await finished(5), await finished(5)];
  expect((await cacheOf(first)).cacheStatus).toBe(CatalogCacheStatus.CACHE_POPULATED);
  const { cacheStatus, catalogKey } = await cacheOf(second);
  expect(cacheStatus).toBe(CatalogCacheStatus.CACHE_HIT);
  expect(catalogKey?.sourceExecution).toMatchObject({
    case: "sourceTaskExecution",
    value: {
      taskId: { ...TEST_TENANT, name: TASK, version: "v1" },
      nodeExecutionId: { nodeId: "n0", executionId: { name: first } },
      retryAttempt: 0,
    },
  });

  const { project = "", domain = "", name = "", version = "" } = catalogKey?.datasetId ?? {};
  const dataset = { project, domain, name, version };
  expect(dataset).toMatchObject({ ...TEST_TENANT, name: `flyte_task-${TASK}` });
  const catalog = createClient(DataCatalog, transport());
  const queryHandle = { case: "tagName" as const, value: catalogKey?.artifactTag?.name ?? "" };
  const { artifact } = await catalog.getArtifact({ dataset, queryHandle });
  expect(artifact?.id).toBe(catalogKey?.artifactTag?.artifactId);
  const x = (value: number) => integerInputs({ x: value }).literals.x;
  expect(artifact?.data).toMatchObject([{ name: "x", value: x(5) }]);
  expect((await catalog.getDataset({ dataset })).dataset?.metadata?.keyMap).toEqual({ "task-version": "v1" });

  // A client's correction is what the next run is served with.
  const literals = integerInputs({ x: 6 });
  await catalog.updateArtifact({ dataset, queryHandle, data: [{ name: "x", value: literals.literals.x ?? {} }] });
  expect((await outputsOf(admin, await finished(5)))?.literals).toMatchObject(literals.literals);

  const typed = createSkeinClient({ url: skein.url });
  expect(await typed.cache.evict.mutate({ ...TEST_TENANT, task: TASK, version: "1.0" })).toEqual({ evicted: 1 });
  expect((await cacheOf(second)).cacheStatus).toBe(CatalogCacheStatus.CACHE_EVICTED);
  const again = await finished(5);
  expect((await cacheOf(again)).cacheStatus).toBe(CatalogCacheStatus.CACHE_POPULATED);
  expect((await outputsOf(admin, again))?.literals).toMatchObject(integerInputs({ x: 5 }).literals);
});

test("the cache service shows and deletes what a task cached, and a task is served with what it was given", async () => {
  const typed = createSkeinClient({ url: skein.url });
  const service = createClient(CacheService, transport());
  const run = await finished(7);
  const { cacheKey } = await typed.runs.getAction.query({ ...TEST_TENANT, name: run, action: "n0" });
  const key = cacheKey ?? "";
  const { output } = await service.get({ key });
  expect(output?.output).toMatchObject({ case: "outputLiterals", value: integerInputs({ x: 7 }) });
  expect(output?.metadata?.sourceIdentifier).toMatchObject({ ...TEST_TENANT, name: TASK, version: "v1" });
  await service.delete({ key });
  const gone = service.get({ key }).catch((error: unknown) => ConnectError.from(error).code);
  expect(await gone).toBe(Code.NotFound);
  await service.put({ key, output: { output: { case: "outputLiterals", value: integerInputs({ x: 8 }) } } });
  const served = await finished(7);
  expect((await cacheOf(served)).cacheStatus).toBe(CatalogCacheStatus.CACHE_HIT);
  expect((await outputsOf(admin, served))?.literals).toMatchObject(integerInputs({ x: 8 }).literals);

  const other = await finished(9);
  expect(await typed.cache.evictRun.mutate({ ...TEST_TENANT, name: other })).toEqual({ evicted: 1 });
  expect((await cacheOf(other)).cacheStatus).toBe(CatalogCacheStatus.CACHE_EVICTED);
  expect((await cacheOf(served)).cacheStatus).toBe(CatalogCacheStatus.CACHE_HIT);
});

test("a task waits for a catalog client that holds the reservation, and takes what that computed", async () => {
  const typed = createSkeinClient({ url: skein.url });
  const service = createClient(CacheService, transport());
  const run = await finished(11);
  const { cacheKey } = await typed.runs.getAction.query({ ...TEST_TENANT, name: run, action: "n0" });
  const key = cacheKey ?? "";
  await service.delete({ key });
  const reservation = { key, ownerId: "somebody else" };
  expect((await service.getOrExtendReservation(reservation)).reservation?.ownerId).toBe(reservation.ownerId);
  const waiting = await launch(admin, WORKFLOW, { x: 11 });
  await expect
    .poll(async () => (await typed.runs.actions.query({ ...TEST_TENANT, name: waiting })).items, { timeout: 10_000 })
    .toContainEqual(expect.objectContaining({ name: "n0", phase: "queued", attempts: 0 }));
  await service.put({ key, output: { output: { case: "outputLiterals", value: integerInputs({ x: 12 }) } } });
  await service.releaseReservation(reservation);
  await untilOver(admin, waiting);
  expect((await cacheOf(waiting)).cacheStatus).toBe(CatalogCacheStatus.CACHE_HIT);
  expect((await outputsOf(admin, waiting))?.literals).toMatchObject(integerInputs({ x: 12 }).literals);
});

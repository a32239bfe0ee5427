import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { toBytes } from "@skein/idl";
import { CacheService } from "@skein/idl/cacheservice";
import { LiteralMapSchema, ResourceType } from "@skein/idl/core";
import { DataCatalog } from "@skein/idl/datacatalog";
import { openStorage } from "@skein/storage";
import { createTempFolder, insertRow, insertRun, insertWorkflow, integerInputs, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signRunToken } from "../auth/tokens.ts";
import { startTestApi, TEST_SECRET_KEY, type TestApi } from "../testing/start-test-api.ts";
import { cacheServiceKey } from "./cache-service-key.ts";

const folder = createTempFolder("cache-service");
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ storage: `file://${folder.path}` });
});
afterAll(async () => {
  await api.close();
  await folder.close();
});

const transport = () => createGrpcTransport({ baseUrl: api.url });
const client = () => createClient(CacheService, transport());
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "answered",
    (error: unknown) => Code[ConnectError.from(error).code] ?? "none",
  );
const addressOf = (tag: string) => ({
  ...TEST_TENANT,
  datasetName: "flyte_task-a.b",
  datasetVersion: "1-aaaaaaaa-bbbbbbbb",
  tag,
});
const freshKey = () => cacheServiceKey(addressOf(randomUUID()));
const literals = (x: number) => ({ output: { case: "outputLiterals" as const, value: integerInputs({ x }) } });
const bytesOf = (x: number) => toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ x })));
const uriOf = (uri: string) => ({ output: { case: "outputUri" as const, value: uri } });

test.each(["a key of ours", "a client's own key"])(
  "outputs are put, read, overwritten and deleted under %s",
  async (kind) => {
    const key = kind === "a key of ours" ? freshKey() : `opaque-${randomUUID()}`;
    expect(await codeOf(client().get({ key }))).toBe("NotFound");
    const sourceIdentifier = { resourceType: ResourceType.TASK, ...TEST_TENANT, name: "a.b", version: "v7" };
    const metadata = { sourceIdentifier, keyMap: { values: { "exec-name": "r" } } };
    await client().put({ key, output: { ...literals(1), metadata } });
    expect(await codeOf(client().put({ key, output: literals(2) }))).toBe("AlreadyExists");
    const { output } = await client().get({ key });
    expect(output).toMatchObject({ ...literals(1), metadata });
    expect(output?.metadata?.createdAt?.seconds).toBeGreaterThan(1_600_000_000n);
    await client().put({ key, output: literals(2), overwrite: true });
    expect((await client().get({ key })).output).toMatchObject(literals(2));
    await client().delete({ key });
    expect(await codeOf(client().get({ key }))).toBe("NotFound");
    expect(await codeOf(client().delete({ key }))).toBe("NotFound");
  },
);

test("of two who put at once one is told that it was too late, and nothing of it stays", async () => {
  for (let round = 0; round < 5; round += 1) {
    const tag = randomUUID();
    const key = cacheServiceKey(addressOf(tag));
    const codes = await Promise.all([1, 2, 3].map((x) => codeOf(client().put({ key, output: literals(x) }))));
    expect(codes.sort()).toEqual(["AlreadyExists", "AlreadyExists", "answered"]);
  }
  const { rows } = await api.database.pool.query(
    "select from cache_entries e where not exists (select from cache_tags t where t.entry_id = e.id)",
  );
  expect(rows).toEqual([]);
});

test("what a task cached is read by its key, with its task as source, and by the data catalog", async () => {
  const address = addressOf(randomUUID());
  const { project, domain, datasetName, datasetVersion, tag } = address;
  const id = randomUUID();
  const place = { project, domain, dataset_name: datasetName, dataset_version: datasetVersion };
  const data = bytesOf(5);
  const metadata = JSON.stringify({ keyMap: { "exec-name": "r" } });
  await api.database.pool.query("delete from cache_datasets");
  await insertRow(api.database.pool, "cache_datasets", {
    project,
    domain,
    name: datasetName,
    version: datasetVersion,
    metadata: JSON.stringify({ keyMap: { "task-version": "v7" } }),
  });
  await insertRow(api.database.pool, "cache_entries", { id, ...place, data, size_bytes: data.length, metadata });
  await insertRow(api.database.pool, "cache_tags", { ...place, tag, entry_id: id });
  const { output } = await client().get({ key: cacheServiceKey(address) });
  expect(output).toMatchObject({
    ...literals(5),
    metadata: {
      sourceIdentifier: { resourceType: ResourceType.TASK, ...TEST_TENANT, name: "a.b", version: "v7" },
      keyMap: { values: { "exec-name": "r" } },
    },
  });
  const dataset = { project, domain, name: datasetName, version: datasetVersion };
  const queryHandle = { case: "tagName" as const, value: tag };
  const found = await createClient(DataCatalog, transport()).getArtifact({ dataset, queryHandle });
  expect(found.artifact?.id).toBe(id);
});

test("outputs by URI are copied, and only from a run of the key's project", async () => {
  const storage = await openStorage({ uri: `file://${folder.path}` });
  const own = storage.join("meta", TEST_TENANT.project, TEST_TENANT.domain, "r", "n0", "0", "outputs.pb");
  const foreign = storage.join("meta", "other", TEST_TENANT.domain, "r", "n0", "0", "outputs.pb");
  for (const uri of [own, foreign]) await storage.put(uri, bytesOf(3));
  const key = freshKey();
  await client().put({ key, output: uriOf(own) });
  await storage.remove(own);
  expect((await client().get({ key })).output).toMatchObject(literals(3));
  const put = (uri: string) => codeOf(client().put({ key: freshKey(), output: uriOf(uri) }));
  expect(await put(foreign)).toBe("InvalidArgument");
  expect(await put(`${storage.join("meta", TEST_TENANT.project, TEST_TENANT.domain)}/../../other/x`)).toBe(
    "InvalidArgument",
  );
  expect(await put("file:///etc/passwd")).toBe("InvalidArgument");
  expect(await put(own)).toBe("NotFound");
  await storage.put(own, new TextEncoder().encode("no protobuf"));
  expect(await put(own)).toBe("InvalidArgument");
  expect(await codeOf(client().put({ key: freshKey() }))).toBe("InvalidArgument");
  expect(await codeOf(client().put({ key: "", output: literals(1) }))).toBe("InvalidArgument");
  storage.close();
});

test("a reservation of a key is held by one owner until it is given back", async () => {
  const key = freshKey();
  const ask = async (ownerId: string) => (await client().getOrExtendReservation({ key, ownerId })).reservation;
  expect(await ask("a")).toMatchObject({ key, ownerId: "a", heartbeatInterval: { seconds: 10n } });
  expect((await ask("b"))?.ownerId).toBe("a");
  await client().releaseReservation({ key, ownerId: "a" });
  expect((await ask("b"))?.ownerId).toBe("b");
  expect(await codeOf(ask(""))).toBe("InvalidArgument");
});

test("a run's token reads the cache of its own project and domain and writes none", async () => {
  const runId = await insertRun(api.database.pool, await insertWorkflow(api.database.pool));
  const token = await signRunToken(TEST_SECRET_KEY, { runId, ...TEST_TENANT });
  const bearer: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const asRun = createGrpcTransport({ baseUrl: api.url, interceptors: [bearer] });
  const service = createClient(CacheService, asRun);
  expect(await codeOf(service.get({ key: freshKey() }))).toBe("NotFound");
  expect(await codeOf(service.get({ key: "opaque" }))).toBe("PermissionDenied");
  expect(await codeOf(service.get({ key: cacheServiceKey({ ...addressOf("t"), project: "other" }) }))).toBe(
    "PermissionDenied",
  );
  expect(await codeOf(service.put({ key: freshKey(), output: literals(1) }))).toBe("PermissionDenied");
  const catalog = createClient(DataCatalog, asRun);
  expect(await codeOf(catalog.listDatasets({}))).toBe("PermissionDenied");
  const filters = (["project", "domain"] as const).map((part) => ({
    propertyFilter: { case: "datasetFilter" as const, value: { property: { case: part, value: TEST_TENANT[part] } } },
  }));
  expect(await codeOf(catalog.listDatasets({ filter: { filters } }))).toBe("answered");
});

import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { findCachedOutputs } from "@skein/db";
import { fromBytes } from "@skein/idl";
import { type Literal, LiteralMapSchema } from "@skein/idl/core";
import { DataCatalog, PaginationOptions_SortOrder as SortOrder } from "@skein/idl/datacatalog";
import { insertRow, integerInputs, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const client = () => createClient(DataCatalog, createGrpcTransport({ baseUrl: api.url }));
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "answered",
    (error: unknown) => Code[ConnectError.from(error).code] ?? "none",
  );
const datasetId = (version: string) => ({ ...TEST_TENANT, name: "flyte_task-square", version });
const integer = (value: number): Literal => {
  const { x } = create(LiteralMapSchema, integerInputs({ x: value })).literals;
  if (!x) throw new Error("there is a literal");
  return x;
};
const artifactOf = (version: string, x: number, id: string = randomUUID()) => ({
  id,
  dataset: datasetId(version),
  data: [{ name: "x", value: integer(x) }],
  metadata: { keyMap: { "exec-name": "r" } },
});

/** A dataset of its own for a test; answers its version. */
async function freshDataset(partitionKeys: string[] = []): Promise<string> {
  const version = randomUUID();
  await client().createDataset({ dataset: { id: datasetId(version), partitionKeys } });
  return version;
}

test("a dataset is created once, found by its id and listed by filter", async () => {
  const version = randomUUID();
  const dataset = { id: datasetId(version), metadata: { keyMap: { "task-version": "v7" } }, partitionKeys: ["day"] };
  await client().createDataset({ dataset });
  expect(await codeOf(client().createDataset({ dataset }))).toBe("AlreadyExists");
  expect((await client().getDataset({ dataset: datasetId(version) })).dataset).toMatchObject(dataset);
  expect(await codeOf(client().getDataset({ dataset: datasetId("other") }))).toBe("NotFound");
  const filterBy = (property: { case: "version" | "project" | "org"; value: string }) => ({
    filters: [{ propertyFilter: { case: "datasetFilter" as const, value: { property } } }],
  });
  const listed = await client().listDatasets({ filter: filterBy({ case: "version", value: version }) });
  expect(listed.datasets.map(({ id }) => id?.version)).toEqual([version]);
  expect((await client().listDatasets({ filter: filterBy({ case: "project", value: "none" }) })).datasets).toEqual([]);
  const inOrg = await client().listDatasets({
    filter: filterBy({ case: "org", value: "x" }),
    pagination: { limit: 1 },
  });
  expect([inOrg.datasets.length, inOrg.nextToken]).toEqual([1, "1"]);
});

test("an artifact is stored, tagged and found by its id and its tag", async () => {
  const version = await freshDataset();
  const artifact = artifactOf(version, 16);
  await client().createArtifact({ artifact });
  expect(await codeOf(client().createArtifact({ artifact }))).toBe("AlreadyExists");
  const tag = { name: "t1", artifactId: artifact.id, dataset: datasetId(version) };
  await client().addTag({ tag });
  expect(await codeOf(client().addTag({ tag }))).toBe("AlreadyExists");
  expect(await codeOf(client().addTag({ tag: { ...tag, name: "t2", artifactId: randomUUID() } }))).toBe("NotFound");
  expect(await codeOf(client().addTag({ tag: { ...tag, name: "t2", artifactId: "no uuid" } }))).toBe("NotFound");

  const get = async (queryHandle: { case: "artifactId" | "tagName"; value: string }) =>
    (await client().getArtifact({ dataset: datasetId(version), queryHandle })).artifact;
  const byTag = await get({ case: "tagName", value: "t1" });
  expect(byTag).toMatchObject({ ...artifact, tags: [tag] });
  expect(byTag?.createdAt?.seconds).toBeGreaterThan(1_600_000_000n);
  expect(await get({ case: "artifactId", value: artifact.id })).toEqual(byTag);
  expect(await codeOf(get({ case: "tagName", value: "t9" }))).toBe("NotFound");
  expect(await codeOf(get({ case: "artifactId", value: "no uuid" }))).toBe("NotFound");
});

test("what a client stores is what the engine finds, and the other way round", async () => {
  const { pool } = api.database;
  const version = await freshDataset();
  const { project, domain, name: datasetName } = datasetId(version);
  const address = { project, domain, datasetName, datasetVersion: version, tag: "by-client" };
  const artifact = artifactOf(version, 16);
  await client().createArtifact({ artifact });
  await client().addTag({ tag: { name: "by-client", artifactId: artifact.id, dataset: datasetId(version) } });
  const [found] = await findCachedOutputs(pool, [address]);
  expect(found).toMatchObject({ entryId: artifact.id, isOurs: false });
  expect(fromBytes(LiteralMapSchema, found?.data ?? new Uint8Array())).toMatchObject(integerInputs({ x: 16 }));

  const id = randomUUID();
  const place = { project, domain, dataset_name: datasetName, dataset_version: version };
  const data = found?.data ?? new Uint8Array();
  await insertRow(pool, "cache_entries", { id, ...place, data, size_bytes: 9, source_run_id: randomUUID() });
  await insertRow(pool, "cache_tags", { ...place, tag: "by-engine", entry_id: id });
  const handle = { case: "tagName" as const, value: "by-engine" };
  const made = await client().getArtifact({ dataset: datasetId(version), queryHandle: handle });
  expect(made.artifact).toMatchObject({ id, data: artifact.data });

  const change = { data: [{ name: "x", value: integer(17) }], metadata: { keyMap: { a: "b" } } };
  const updated = await client().updateArtifact({ dataset: datasetId(version), queryHandle: handle, ...change });
  expect(updated.artifactId).toBe(id);
  const [engines] = await findCachedOutputs(pool, [{ ...address, tag: "by-engine" }]);
  expect(fromBytes(LiteralMapSchema, engines?.data ?? new Uint8Array())).toMatchObject(integerInputs({ x: 17 }));
  const missing = { dataset: datasetId(version), queryHandle: { case: "tagName" as const, value: "none" }, ...change };
  expect(await codeOf(client().updateArtifact(missing))).toBe("NotFound");
});

test("outputs of many megabytes go through the object store", async () => {
  const version = await freshDataset();
  const text = "x".repeat(1_500_000);
  const value = {
    value: {
      case: "scalar" as const,
      value: { value: { case: "primitive" as const, value: { value: { case: "stringValue" as const, value: text } } } },
    },
  };
  const artifact = { ...artifactOf(version, 1), data: [{ name: "x", value }] };
  await client().createArtifact({ artifact });
  const { rows } = await api.database.pool.query("select data, uri from cache_entries where id = $1", [artifact.id]);
  expect(rows).toEqual([{ data: null, uri: expect.stringContaining(`/catalog/${artifact.id}.pb`) }]);
  const queryHandle = { case: "artifactId" as const, value: artifact.id };
  const found = await client().getArtifact({ dataset: datasetId(version), queryHandle });
  expect(found.artifact?.data[0]?.value).toMatchObject(value);
});

test("artifacts are listed newest first, filtered by tag, partition and id, page by page", async () => {
  const version = await freshDataset(["day"]);
  const artifacts = [1, 2, 3].map((day) => ({
    ...artifactOf(version, day),
    partitions: [{ key: "day", value: String(day) }],
  }));
  for (const [index, artifact] of artifacts.entries()) {
    await client().createArtifact({ artifact });
    const createdAt = new Date(1_000 * index);
    await api.database.pool.query("update cache_entries set created_at = $2 where id = $1", [artifact.id, createdAt]);
  }
  await client().addTag({ tag: { name: "t", artifactId: artifacts[0]?.id ?? "", dataset: datasetId(version) } });
  const list = async (more: object) => {
    const { artifacts: found, nextToken } = await client().listArtifacts({ dataset: datasetId(version), ...more });
    return [...found.map(({ data }) => data[0]?.value?.value.value), nextToken].map((value) =>
      typeof value === "string"
        ? value
        : Number((value as never as { value: { value: { value: { value: bigint } } } }).value.value.value.value),
    );
  };
  expect(await list({})).toEqual([3, 2, 1, ""]);
  expect(await list({ pagination: { limit: 2 } })).toEqual([3, 2, "2"]);
  expect(await list({ pagination: { limit: 2, token: "2" } })).toEqual([1, ""]);
  expect(await list({ pagination: { limit: 5, sortOrder: SortOrder.ASCENDING } })).toEqual([1, 2, 3, ""]);
  const by = (propertyFilter: object) => list({ filter: { filters: [{ propertyFilter }] } });
  const property = (kind: string, value: unknown) => ({ property: { case: kind, value } });
  expect(await by({ case: "tagFilter", value: property("tagName", "t") })).toEqual([1, ""]);
  expect(await by({ case: "artifactFilter", value: property("artifactId", artifacts[1]?.id) })).toEqual([2, ""]);
  expect(await by({ case: "artifactFilter", value: property("artifactId", "no uuid") })).toEqual([""]);
  const keyVal = { key: "day", value: "3" };
  expect(await by({ case: "partitionFilter", value: property("keyVal", keyVal) })).toEqual([3, ""]);
  const codes = [
    await codeOf(by({ case: "datasetFilter", value: property("name", "x") })),
    await codeOf(by({ case: "tagFilter", value: {} })),
    await codeOf(list({ filter: { filters: [{}] } })),
    await codeOf(list({ pagination: { token: "next" } })),
  ];
  expect(codes).toEqual(Array.from({ length: 4 }, () => "InvalidArgument"));
  expect(await codeOf(client().listArtifacts({ dataset: datasetId("none") }))).toBe("NotFound");
});

test("what could never be found again is refused", async () => {
  const version = await freshDataset(["day"]);
  const artifact = { ...artifactOf(version, 1), partitions: [{ key: "day", value: "1" }] };
  const create = (more: object) => codeOf(client().createArtifact({ artifact: { ...artifact, ...more } }));
  const value = integer(1);
  expect([
    await create({ id: "mine" }),
    await create({ data: [] }),
    await create({ data: [{ name: "", value }] }),
    await create({ data: [{ name: "x" }] }),
    await create({
      data: [
        { name: "x", value },
        { name: "x", value },
      ],
    }),
    await create({ partitions: [] }),
    await create({ partitions: [{ key: "hour", value: "1" }] }),
    await create({ partitions: [{ key: "day", value: "" }] }),
    await create({ metadata: { keyMap: { a: "\u0000" } } }),
    await create({ dataset: { ...datasetId(version), version: "" } }),
    await codeOf(client().createArtifact({})),
    await codeOf(client().createDataset({ dataset: { id: datasetId("x"), partitionKeys: ["a", "a"] } })),
    await codeOf(client().createDataset({ dataset: { id: datasetId("x".repeat(513)) } })),
    await codeOf(client().getArtifact({ dataset: datasetId(version) })),
    await codeOf(client().addTag({ tag: { name: "", artifactId: artifact.id, dataset: datasetId(version) } })),
    await codeOf(client().getOrExtendReservation({ reservationId: { datasetId: datasetId(version) }, ownerId: "a" })),
    await codeOf(client().releaseReservation({ reservationId: { datasetId: datasetId(version), tagName: "t" } })),
  ]).toEqual(Array.from({ length: 17 }, () => "InvalidArgument"));
  expect(await create({ dataset: datasetId("none") })).toBe("NotFound");
  expect(await create({})).toBe("answered");
});

test("a reservation is held by one owner until it is given back", async () => {
  const reservationId = { datasetId: datasetId(randomUUID()), tagName: "t" };
  const ask = async (ownerId: string, seconds?: number) =>
    (
      await client().getOrExtendReservation({
        reservationId,
        ownerId,
        ...(seconds === undefined ? {} : { heartbeatInterval: { seconds: BigInt(seconds) } }),
      })
    ).reservation;
  const asked = await Promise.all(["a", "b", "c", "d"].map((owner) => ask(owner)));
  const owners = new Set(asked.map((reservation) => reservation?.ownerId));
  expect(owners.size).toBe(1);
  const [owner = ""] = owners;
  expect(asked[0]).toMatchObject({ reservationId, heartbeatInterval: { seconds: 10n } });
  expect((await ask(owner, 2))?.heartbeatInterval?.seconds).toBe(2n);
  expect((await ask(owner, 3_600))?.heartbeatInterval?.seconds).toBe(10n);
  await client().releaseReservation({ reservationId, ownerId: "nobody" });
  expect((await ask("late"))?.ownerId).toBe(owner);
  await client().releaseReservation({ reservationId, ownerId: owner });
  expect((await ask("late"))?.ownerId).toBe("late");
});

import {
  type CacheArtifact,
  type CacheDataset,
  type CacheDatasetField,
  type CacheMetadata,
  type CachePartition,
  type Db,
  evictEntry,
  findArtifact,
  findCacheDataset,
  insertArtifact,
  insertCacheDataset,
  insertCacheTag,
  type ListArtifacts,
  type ListQuery,
  listArtifacts,
  listCacheDatasets,
  type Reservation,
  releaseReservation,
  type StoredValue,
  takeReservations,
  updateArtifact,
  type VersionId,
} from "@skein/db";
import type { CacheAddress } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { toBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import { readValue, storeValue } from "@skein/launch";
import type { Storage } from "@skein/storage";
import { catalogConflict, catalogNotFound, isUuid } from "./catalog-errors.ts";

/** An entry with its outputs read. */
export type CatalogArtifact = Omit<CacheArtifact, "data" | "uri"> & { readonly outputs: LiteralMap };

export interface NewArtifact {
  readonly id: string;
  readonly dataset: VersionId;
  readonly outputs: LiteralMap;
  readonly metadata: CacheMetadata;
  readonly partitions: readonly CachePartition[];
}

/** How to name one entry of a dataset. */
export type ArtifactHandle = { readonly id: string } | { readonly tag: string };

/** The longest that an owner may stay silent between two heartbeats. */
const HEARTBEAT_SECONDS_MAX = 10;
const RESERVE_TRIES = 3;

export type CatalogService = ReturnType<typeof catalogService>;

/**
 * The cache as a catalog: what the scheduler caches and what clients store are the same rows, so each finds what the
 * other put there.
 */
export const catalogService = (db: Db, storage: Storage) => ({
  ...datasets(db),
  ...artifacts(db, storage),
  ...reservations(db),
});

const datasets = (db: Db) => ({
  async createDataset(dataset: CacheDataset): Promise<void> {
    if (await insertCacheDataset(db, dataset)) return;
    throw catalogConflict("dataset", `${dataset.name} in version ${dataset.version}`);
  },

  /** Makes the dataset unless it is there. */
  ensureDataset: async (id: VersionId): Promise<void> => {
    await insertCacheDataset(db, { ...id, metadata: {}, partitionKeys: [] });
  },

  findDataset: (id: VersionId): Promise<CacheDataset | undefined> => findCacheDataset(db, id),

  async getDataset(id: VersionId): Promise<CacheDataset> {
    const found = await findCacheDataset(db, id);
    if (found) return found;
    throw catalogNotFound("dataset", `${id.name} in version ${id.version}`);
  },

  listDatasets: (query: ListQuery<CacheDatasetField>): Promise<CacheDataset[]> => listCacheDatasets(db, query),
});

function artifacts(db: Db, storage: Storage) {
  /** Large outputs go into the store, in a place of their own that no run's deletion touches. */
  const store = (id: string, outputs: LiteralMap): Promise<StoredValue> =>
    storeValue(storage, toBytes(LiteralMapSchema, outputs), ["catalog", `${id}.pb`]);
  const read = async ({ data, uri, ...artifact }: CacheArtifact): Promise<CatalogArtifact> => ({
    ...artifact,
    outputs: await readValue(storage, { data, uri }),
  });
  const find = (dataset: VersionId, handle: ArtifactHandle): Promise<CacheArtifact | undefined> =>
    "id" in handle && !isUuid(handle.id) ? Promise.resolve(undefined) : findArtifact(db, dataset, handle);
  const missing = (handle: ArtifactHandle) =>
    catalogNotFound("artifact", "id" in handle ? handle.id : `with the tag ${handle.tag}`);

  return {
    /** With its outputs; undefined when the dataset has no such artifact. */
    async findArtifact(dataset: VersionId, handle: ArtifactHandle): Promise<CatalogArtifact | undefined> {
      const found = await find(dataset, handle);
      return found && read(found);
    },

    async getArtifact(dataset: VersionId, handle: ArtifactHandle): Promise<CatalogArtifact> {
      const found = await find(dataset, handle);
      if (!found) throw missing(handle);
      return read(found);
    },

    /** Without outputs: `readArtifact` adds them. */
    listArtifacts: async (query: ListArtifacts): Promise<CacheArtifact[]> =>
      query.id !== undefined && !isUuid(query.id) ? [] : listArtifacts(db, query),
    readArtifact: read,

    /** Refuses an id that is in use; the artifact has no tag yet, so no lookup finds it. */
    async createArtifact({ outputs, ...artifact }: NewArtifact): Promise<void> {
      if (await insertArtifact(db, { ...artifact, value: await store(artifact.id, outputs) })) return;
      throw catalogConflict("artifact", artifact.id);
    },

    /** Replaces the outputs and the metadata; answers the artifact's id. */
    async updateArtifact(
      dataset: VersionId,
      handle: ArtifactHandle,
      { outputs, metadata }: Pick<NewArtifact, "outputs" | "metadata">,
    ): Promise<string> {
      const found = await find(dataset, handle);
      if (!found) throw missing(handle);
      const { id } = found;
      if (await updateArtifact(db, id, { value: await store(id, outputs), metadata })) return id;
      throw missing(handle);
    },

    async addTag(dataset: VersionId, tag: string, id: string): Promise<void> {
      const outcome = isUuid(id) ? await insertCacheTag(db, dataset, tag, id) : "missing";
      if (outcome === "missing") throw catalogNotFound("artifact", id);
      if (outcome === "taken") throw catalogConflict("tag", tag);
    },

    /** Forgets an artifact; actions that had its outputs say that it was evicted. */
    removeArtifact: (id: string): Promise<number> => evictEntry(db.$client, id),
  };
}

const reservations = (db: Db) => ({
  /** Takes the reservation if nobody holds it, extends it for its owner, and answers who holds it. */
  async reserve(address: CacheAddress, ownerId: string, wantedSeconds: number): Promise<Reservation> {
    const heartbeatSeconds = Math.max(1, Math.min(HEARTBEAT_SECONDS_MAX, Math.ceil(wantedSeconds)));
    for (let tries = 0; tries < RESERVE_TRIES; tries += 1) {
      const wanted = { ...address, ownerId, action: null, heartbeatSeconds };
      const [held] = await takeReservations(db.$client, [wanted]);
      if (held) return held;
    }
    throw new SkeinError(
      "aborted",
      "reservation_contended",
      `The reservation of ${address.tag} changes hands. Ask again.`,
    );
  },

  /** Nothing happens when somebody else holds it. */
  release: (address: CacheAddress, ownerId: string): Promise<void> => releaseReservation(db.$client, address, ownerId),
});

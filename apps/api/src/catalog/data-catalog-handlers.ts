import type { CacheArtifact } from "@skein/db";
import type { DataCatalog } from "@skein/idl/datacatalog";
import type { Flyte1Handlers } from "../flyte1/handlers.ts";
import { invalid } from "../registry/identity.ts";
import { checkWord, isUuid } from "./catalog-errors.ts";
import { readArtifactList, readDatasetList } from "./catalog-lists.ts";
import {
  readDatasetId,
  readHandle,
  readMetadata,
  readOutputs,
  readPartitions,
  readReservationId,
  toArtifact,
  toDataset,
} from "./catalog-messages.ts";
import type { CatalogService } from "./catalog-service.ts";
import { secondsOf, toReservation } from "./reservation-message.ts";

/** What one answer may hold: gRPC clients take 4 MiB unless told otherwise, flytekit 20. */
const LIST_BYTES_MAX = 16 * 1024 * 1024;

/** Flyte's data catalog: datasets, artifacts, tags and reservations, over the rows of the engine's own cache. */
export const dataCatalogHandlers = (catalog: CatalogService): Flyte1Handlers<typeof DataCatalog> => ({
  async createDataset({ dataset }) {
    const partitionKeys = dataset?.partitionKeys ?? [];
    for (const [index, key] of partitionKeys.entries()) {
      checkWord(`dataset.partitionKeys.${index}`, key);
      if (partitionKeys.indexOf(key) < index) throw invalid("dataset.partitionKeys", `names ${key} twice`);
    }
    const id = readDatasetId(dataset?.id, "dataset.id");
    await catalog.createDataset({ ...id, metadata: readMetadata(dataset?.metadata), partitionKeys });
    return {};
  },

  getDataset: async ({ dataset }) => ({ dataset: toDataset(await catalog.getDataset(readDatasetId(dataset))) }),

  async createArtifact({ artifact }) {
    const dataset = readDatasetId(artifact?.dataset, "artifact.dataset");
    const id = artifact?.id ?? "";
    if (!isUuid(id)) throw invalid("artifact.id", "is not a UUID: Flyte's own clients make random ones");
    const outputs = readOutputs(artifact?.data ?? [], "artifact.data");
    const partitions = readPartitions(artifact?.partitions ?? [], await catalog.getDataset(dataset));
    await catalog.createArtifact({ id, dataset, outputs, metadata: readMetadata(artifact?.metadata), partitions });
    return {};
  },

  async getArtifact({ dataset, queryHandle }) {
    const found = await catalog.getArtifact(readDatasetId(dataset), readHandle(queryHandle));
    return { artifact: toArtifact(found) };
  },

  async listArtifacts(request) {
    const id = readDatasetId(request.dataset);
    const query = readArtifactList(id, request);
    await catalog.getDataset(id);
    const rows = await catalog.listArtifacts(query);
    const shown = thatFit(rows);
    const artifacts = await Promise.all(shown.map(async (row) => toArtifact(await catalog.readArtifact(row))));
    const isCut = shown.length < rows.length || rows.length === query.limit;
    return { artifacts, nextToken: isCut ? String(query.offset + shown.length) : "" };
  },

  async listDatasets(request) {
    const query = readDatasetList(request);
    const rows = await catalog.listDatasets(query);
    const nextToken = rows.length === query.limit ? String(query.offset + rows.length) : "";
    return { datasets: rows.map(toDataset), nextToken };
  },

  async updateArtifact({ dataset, queryHandle, data, metadata }) {
    const id = readDatasetId(dataset);
    const change = { outputs: readOutputs(data, "data"), metadata: readMetadata(metadata) };
    return { artifactId: await catalog.updateArtifact(id, readHandle(queryHandle), change) };
  },

  async addTag({ tag }) {
    const dataset = readDatasetId(tag?.dataset, "tag.dataset");
    checkWord("tag.name", tag?.name ?? "");
    checkWord("tag.artifact_id", tag?.artifactId ?? "");
    await catalog.addTag(dataset, tag?.name ?? "", tag?.artifactId ?? "");
    return {};
  },
  ...reservationHandlers(catalog),
});

const reservationHandlers = (catalog: CatalogService) =>
  ({
    async getOrExtendReservation({ reservationId, ownerId, heartbeatInterval }) {
      const address = readReservationId(reservationId);
      checkWord("owner_id", ownerId);
      const held = await catalog.reserve(address, ownerId, secondsOf(heartbeatInterval));
      return { reservation: { ...toReservation(held), ...(reservationId && { reservationId }) } };
    },

    async releaseReservation({ reservationId, ownerId }) {
      checkWord("owner_id", ownerId);
      await catalog.release(readReservationId(reservationId), ownerId);
      return {};
    },
  }) satisfies Flyte1Handlers<typeof DataCatalog>;

/** The first rows whose values fit into one answer; one row comes whatever its size, or nobody would get further. */
function thatFit(rows: readonly CacheArtifact[]): readonly CacheArtifact[] {
  let bytes = 0;
  const end = rows.findIndex(({ sizeBytes }, index) => {
    bytes += sizeBytes;
    return index > 0 && bytes > LIST_BYTES_MAX;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

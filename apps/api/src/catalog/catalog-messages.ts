import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CacheDataset, CachePartition, VersionId } from "@skein/db";
import type { CacheAddress } from "@skein/engine";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type {
  ArtifactData,
  ArtifactSchema,
  DatasetID,
  DatasetSchema,
  Metadata,
  ReservationID,
} from "@skein/idl/datacatalog";
import { invalid } from "../registry/identity.ts";
import { checkStorable, checkWord } from "./catalog-errors.ts";
import type { ArtifactHandle, CatalogArtifact } from "./catalog-service.ts";

export function readDatasetId(id: DatasetID | undefined, field = "dataset"): VersionId {
  if (!id) throw invalid(field, "is missing: name project, domain, name and version");
  for (const part of ["project", "domain", "name", "version"] as const) checkWord(`${field}.${part}`, id[part]);
  return { project: id.project, domain: id.domain, name: id.name, version: id.version };
}

export function readReservationId(id: ReservationID | undefined): CacheAddress {
  const { project, domain, name, version } = readDatasetId(id?.datasetId, "reservation_id.dataset_id");
  const tag = id?.tagName ?? "";
  checkWord("reservation_id.tag_name", tag);
  return { project, domain, datasetName: name, datasetVersion: version, tag };
}

export function readMetadata(metadata: Metadata | undefined) {
  for (const [key, value] of Object.entries(metadata?.keyMap ?? {})) {
    checkStorable("metadata.key_map", key);
    checkStorable(`metadata.key_map.${key}`, value);
  }
  return { keyMap: metadata?.keyMap ?? {} };
}

export function readHandle(
  handle: { case: "artifactId" | "tagName"; value: string } | { case: undefined; value?: undefined },
): ArtifactHandle {
  if (handle.case === undefined || handle.value === "")
    throw invalid("query_handle", "is missing: give artifact_id or tag_name");
  checkStorable("query_handle", handle.value);
  return handle.case === "artifactId" ? { id: handle.value } : { tag: handle.value };
}

export function readOutputs(data: readonly ArtifactData[], field: string): LiteralMap {
  if (data.length === 0) throw invalid(field, "is missing: an artifact has at least one value");
  const literals: LiteralMap["literals"] = {};
  for (const { name, value } of data) {
    if (name === "" || !value) throw invalid(field, "holds a value without a name, or a name without a value");
    if (Object.hasOwn(literals, name)) throw invalid(field, `names ${name} twice`);
    literals[name] = value;
  }
  return create(LiteralMapSchema, { literals });
}

/** An artifact names each of its dataset's partitions once, and no other. */
export function readPartitions(
  partitions: readonly CachePartition[],
  { partitionKeys }: CacheDataset,
): readonly CachePartition[] {
  const given = partitions.map(({ key }) => key).sort();
  const wanted = [...partitionKeys].sort();
  if (given.join("\u0000") !== wanted.join("\u0000")) {
    const shown = (keys: readonly string[]) => (keys.length === 0 ? "none" : keys.join(", "));
    throw invalid("artifact.partitions", `has the keys ${shown(given)}: its dataset has ${shown(wanted)}`);
  }
  for (const { key, value } of partitions) checkWord(`artifact.partitions.${key}`, value);
  return partitions.map(({ key, value }) => ({ key, value }));
}

export const toDataset = ({
  metadata,
  partitionKeys,
  ...id
}: CacheDataset): MessageInitShape<typeof DatasetSchema> => ({
  id: toDatasetId(id),
  metadata: { keyMap: { ...metadata.keyMap } },
  partitionKeys: [...partitionKeys],
});

const toDatasetId = ({ project, domain, name, version }: VersionId) => ({ project, domain, name, version });

export function toArtifact(artifact: CatalogArtifact): MessageInitShape<typeof ArtifactSchema> {
  const dataset = toDatasetId(artifact.dataset);
  return {
    id: artifact.id,
    dataset,
    data: Object.entries(artifact.outputs.literals).map(([name, value]) => ({ name, value })),
    metadata: { keyMap: { ...artifact.metadata.keyMap } },
    partitions: artifact.partitions.map(({ key, value }) => ({ key, value })),
    tags: artifact.tags.map((name) => ({ name, artifactId: artifact.id, dataset })),
    createdAt: timestampFromDate(artifact.createdAt),
  };
}

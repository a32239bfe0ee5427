import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CacheMetadata, VersionId } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import type { CachedOutput, CachedOutputSchema, CacheService, Metadata } from "@skein/idl/cacheservice";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import type { Flyte1Handlers } from "../flyte1/handlers.ts";
import { invalid, toVersionId } from "../registry/identity.ts";
import { readCacheServiceKey } from "./cache-service-key.ts";
import { sourceTask } from "./cache-source.ts";
import { catalogConflict, catalogNotFound, checkStorable, checkWord } from "./catalog-errors.ts";
import type { CatalogArtifact, CatalogService } from "./catalog-service.ts";
import { secondsOf, toReservation } from "./reservation-message.ts";

type Handlers = Flyte1Handlers<typeof CacheService>;

const OUTPUTS_BYTES_MAX = 16 * 1024 * 1024;

/** Flyte's cache service: outputs by one key, over the rows of the engine's own cache. */
export const cacheServiceHandlers = (catalog: CatalogService, storage: Storage): Handlers => ({
  async get({ key }) {
    const { dataset, tag } = readKey(key);
    const found = await catalog.findArtifact(dataset, { tag });
    if (!found) throw catalogNotFound("cache_entry", `under the key ${key}`);
    return { output: toOutput(found, (await catalog.findDataset(dataset))?.metadata ?? {}) };
  },

  async put({ key, output, overwrite }) {
    const { dataset, tag } = readKey(key);
    const outputs = await readOutputs(storage, dataset, output);
    const metadata = readMetadata(output?.metadata);
    const found = await catalog.findArtifact(dataset, { tag });
    if (found && !overwrite) throw catalogConflict("cache_entry", `under the key ${key}`);
    if (found) {
      await catalog.updateArtifact(dataset, { id: found.id }, { outputs, metadata });
      return {};
    }
    const id = randomUUID();
    await catalog.ensureDataset(dataset);
    await catalog.createArtifact({ id, dataset, outputs, metadata, partitions: [] });
    try {
      await catalog.addTag(dataset, tag, id);
    } catch (error) {
      // Somebody else was faster: what nobody can find must not stay.
      await catalog.removeArtifact(id);
      throw error;
    }
    return {};
  },

  async delete({ key }) {
    const { dataset, tag } = readKey(key);
    const found = await catalog.findArtifact(dataset, { tag });
    if (!found) throw catalogNotFound("cache_entry", `under the key ${key}`);
    await catalog.removeArtifact(found.id);
    return {};
  },

  async getOrExtendReservation({ key, ownerId, heartbeatInterval }) {
    checkWord("owner_id", ownerId);
    const held = await catalog.reserve(readKey(key).address, ownerId, secondsOf(heartbeatInterval));
    return { reservation: { key, ...toReservation(held) } };
  },

  async releaseReservation({ key, ownerId }) {
    checkWord("owner_id", ownerId);
    await catalog.release(readKey(key).address, ownerId);
    return {};
  },
});

function readKey(key: string) {
  checkWord("key", key);
  const address = readCacheServiceKey(key);
  const { project, domain, datasetName: name, datasetVersion: version, tag } = address;
  return { address, dataset: { project, domain, name, version }, tag };
}

/** Outputs that lie in our store are copied: they outlive the run that wrote them. Others' objects are nobody's to lend. */
async function readOutputs(
  storage: Storage,
  { project, domain }: VersionId,
  output: CachedOutput | undefined,
): Promise<LiteralMap> {
  if (output?.output.case === "outputLiterals") return output.output.value;
  if (output?.output.case !== "outputUri")
    throw invalid("output", "is missing: give literals or the URI of an outputs.pb");
  const uri = output.output.value;
  const isOwn = project === "" || uri.startsWith(`${storage.join("meta", project, domain)}/`);
  if (!isOwn) throw invalid("output.output_uri", `is ${uri}: it is no output of a run in ${project}/${domain}`);
  const bytes = await storage.get(uri, { bytesMax: OUTPUTS_BYTES_MAX });
  try {
    return fromBytes(LiteralMapSchema, bytes);
  } catch (cause) {
    const message = `output.output_uri is ${uri}: what lies there is no LiteralMap.`;
    throw new SkeinError("invalid_argument", "field_invalid", message, { cause });
  }
}

function readMetadata(metadata: Metadata | undefined): CacheMetadata {
  const keyMap = metadata?.keyMap?.values ?? {};
  for (const [key, value] of Object.entries(keyMap)) checkStorable(`output.metadata.key_map.${key}`, key + value);
  const source = metadata?.sourceIdentifier;
  if (!source) return { keyMap };
  for (const part of Object.values(toVersionId(source))) checkStorable("output.metadata.source_identifier", part);
  return { keyMap, source: { resourceType: source.resourceType, ...toVersionId(source) } };
}

function toOutput(
  { dataset, outputs, metadata, createdAt, updatedAt }: CatalogArtifact,
  datasetMetadata: CacheMetadata,
): MessageInitShape<typeof CachedOutputSchema> {
  const sourceIdentifier = metadata.source ?? sourceTask(dataset, datasetMetadata);
  return {
    output: { case: "outputLiterals", value: outputs },
    metadata: {
      ...(sourceIdentifier && { sourceIdentifier }),
      keyMap: { values: { ...metadata.keyMap } },
      createdAt: timestampFromDate(createdAt),
      lastUpdatedAt: timestampFromDate(updatedAt),
    },
  };
}

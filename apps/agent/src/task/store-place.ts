import { create } from "@bufbuild/protobuf";
import { type ClaimGrant, DECK_FILE } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema, type TaskTemplate } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { isWorkFolder } from "../ledger/attempt-folder.ts";
import { type DataPlace, type Layout, type Results, resultFolder } from "./data-place.ts";
import type { UriRewrite } from "./literal-uris.ts";
import { dataLoadingOf } from "./raw-container.ts";
import { FUTURES_FILE } from "./result-files.ts";
import { commandWords } from "./task-container.ts";
import { attemptValues, needsInputFile, needsInputs, needsTaskTemplate } from "./template.ts";

/** flytekit's word for the folder where code goes, unless told: the working folder of the image. */
const IMAGE_CODE_FOLDER = ".";

type PlaceStorage = Pick<Storage, "rootUri" | "put" | "get" | "head">;

/**
 * For tasks that share no disk with the agent: they read and write the object store themselves, and values mean the same
 * to everybody. Throws invalid_argument for file storage.
 */
export function storePlace(storage: PlaceStorage): DataPlace {
  if (storage.rootUri.startsWith("file://")) {
    throw new SkeinError(
      "invalid_argument",
      "storage_not_shared",
      `Pods cannot reach the files of this machine: SKEIN_RUNTIME=kubernetes needs an object store, but SKEIN_STORAGE is ${storage.rootUri}`,
    );
  }
  return objectPlace(storage);
}

/** As `storePlace`, for what finds file storage too because it is on this machine. */
export function objectPlace(storage: PlaceStorage): DataPlace {
  return {
    isOnDisk: false,
    takesPods: true,

    async layOut(folder, grant, template) {
      const words = commandWords(template);
      const taskTemplatePath = `${grant.outputPrefix}/task.pb`;
      const [input, inputs] = await Promise.all([
        inputsUri(storage, grant, readsInputFile(template, words)),
        needsInputs(words) ? readInputs(storage, grant) : create(LiteralMapSchema),
        // The place of the log and of the agent's own records.
        folder.prepare(),
        needsTaskTemplate(words) && storage.put(taskTemplatePath, Buffer.from(grant.taskTemplate, "base64")),
      ]);
      return {
        values: {
          ...attemptValues(folder.id, grant),
          input,
          inputPrefix: input.slice(0, input.lastIndexOf("/")),
          outputPrefix: grant.outputPrefix,
          rawOutputDataPrefix: grant.rawOutputPrefix,
          checkpointOutputPrefix: `${grant.rawOutputPrefix}/_flytecheckpoints`,
          prevCheckpointPrefix: grant.previousCheckpointPrefix ?? undefined,
          taskTemplatePath,
          inputs,
        },
        environment: {},
        adapt: keepCodeInImage,
        mounts: {},
        readable: [],
        writable: [],
      } satisfies Layout;
    },

    gather: async (_, grant, template) => new StoreResults(grant, template, storage),
  };
}

/** Where inputs.pb lies; many attempts may share one. Nothing is written for a task that does not look. */
async function inputsUri(storage: PlaceStorage, grant: ClaimGrant, isRead: boolean): Promise<string> {
  if ("uri" in grant.inputs) return grant.inputs.uri;
  const uri = `${grant.outputPrefix}/inputs.pb`;
  if (isRead) await storage.put(uri, Buffer.from(grant.inputs.data, "base64"));
  return uri;
}

/** Copilot reads it, and a pod template of the cluster may have words of its own. */
const readsInputFile = (template: TaskTemplate, words: readonly string[]): boolean =>
  needsInputFile(words) || dataLoadingOf(template) !== undefined || Boolean(template.metadata?.podTemplateName);

async function readInputs(storage: PlaceStorage, { inputs }: ClaimGrant): Promise<LiteralMap> {
  const bytes = "data" in inputs ? Buffer.from(inputs.data, "base64") : await storage.get(inputs.uri);
  return fromBytes(LiteralMapSchema, bytes);
}

/** What an eager task registers names the folder of the attempt that the task ran in, maybe on another machine. */
const keepCodeInImage = (words: readonly string[]): string[] =>
  words.map((word, at) => (words[at - 1] === "--dest-dir" && isWorkFolder(word) ? IMAGE_CODE_FOLDER : word));

const unchanged: UriRewrite = { uri: (uri) => uri, text: (text) => text };

class StoreResults implements Results {
  readonly outwards = unchanged;
  readonly codeFolder = undefined;
  readonly #prefix: string;
  readonly #results: string;
  readonly #storage: PlaceStorage;

  constructor(grant: ClaimGrant, template: TaskTemplate, storage: PlaceStorage) {
    this.#prefix = grant.outputPrefix;
    this.#results = resultFolder(template, grant);
    this.#storage = storage;
  }

  async sizeOf(name: string): Promise<number | undefined> {
    return (await this.#storage.head(this.#uri(name)))?.sizeBytes;
  }

  async read(name: string, bytesMax: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#storage.get(this.#uri(name), { bytesMax });
    } catch (error) {
      if (error instanceof SkeinError && ["not_found", "resource_exhausted"].includes(error.code)) return undefined;
      throw error;
    }
  }

  /** It lies there already, just so. */
  async keep(name: string): Promise<string> {
    return this.#uri(name);
  }

  async keepRest(): Promise<string | undefined> {
    const uri = `${this.#prefix}/${DECK_FILE}`;
    return (await this.#storage.head(uri)) ? uri : undefined;
  }

  #uri(name: string): string {
    return `${this.#prefix}/${name === FUTURES_FILE ? "" : this.#results}${name}`;
  }
}

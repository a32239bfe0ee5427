import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type ClaimGrant, DECK_FILE } from "@skein/contracts";
import { fromBytes, toBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema, type TaskTemplate } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { type AttemptFolder, isWorkFolder, openUp } from "../ledger/attempt-folder.ts";
import type { Launch } from "../runtimes/runtime.ts";
import { type DataPlace, FORMER_MAP_TYPE, type Layout, type Results, resultFolder } from "./data-place.ts";
import { localPath, toLocalPaths, toStorageUris } from "./file-uris.ts";
import { rewriteUris } from "./literal-uris.ts";
import { collectData, dataLoadingOf, prepareData, replacePaths } from "./raw-container.ts";
import { listPlainFiles, openPlainFile, plainFileSize, readPlainFile } from "./read-remains.ts";
import { ERROR_FILE, FUTURES_FILE, OUTPUTS_FILE } from "./result-files.ts";
import { commandWords } from "./task-container.ts";
import { attemptValues, needsTaskTemplate } from "./template.ts";

const FILE_SCHEME = "file://";
/** Where flytekit unpacks code unless told: folders of the image, which a process lacks and a container's user may not write. */
const IMAGE_CODE_FOLDERS = ["/root", "."];

export interface FolderPlaceOptions {
  readonly storage: Storage;
  /** Whether tasks can find a folder at another path than its own. */
  readonly canMount: boolean;
}

/** For tasks on the agent's own machine: inputs come into the attempt's folder, results leave it when the task is over. */
export const folderPlace = ({ storage, canMount }: FolderPlaceOptions): DataPlace => ({
  isOnDisk: true,
  takesPods: false,

  async layOut(folder, grant, template) {
    await folder.prepare();
    const { inputs, mounts } = await writeInputs(folder, grant, template, { storage, canMount });
    const taskTemplatePath = join(folder.in, "task.pb");
    if (needsTaskTemplate(commandWords(template))) {
      await writeFile(taskTemplatePath, Buffer.from(grant.taskTemplate, "base64"));
    }
    const adapt = (words: readonly string[]): string[] => {
      const redirected = redirectCode(words, folder.work);
      return canMount ? redirected : replacePaths(redirected, mounts);
    };
    return {
      values: {
        ...attemptValues(folder.id, grant),
        input: join(folder.in, "inputs.pb"),
        inputPrefix: folder.in,
        outputPrefix: folder.out,
        rawOutputDataPrefix: localPath(grant.rawOutputPrefix),
        checkpointOutputPrefix: `${localPath(grant.rawOutputPrefix)}/_flytecheckpoints`,
        prevCheckpointPrefix:
          grant.previousCheckpointPrefix === null ? undefined : localPath(grant.previousCheckpointPrefix),
        taskTemplatePath,
        inputs,
      },
      environment: formerEnvironment(folder, template, !canMount),
      adapt,
      ...(await storageFolders(grant, storage)),
      mounts,
    } satisfies Layout;
  },

  async gather(folder, grant, template, exit) {
    if (dataLoadingOf(template)) await collectData(folder, template, grant, storage, exit);
    return new FolderResults(folder, grant, template, storage);
  },
});

class FolderResults implements Results {
  readonly outwards;
  readonly codeFolder: string;
  readonly #folder: AttemptFolder;
  readonly #prefix: string;
  readonly #storage: Storage;
  readonly #results: string;

  constructor(folder: AttemptFolder, grant: ClaimGrant, template: TaskTemplate, storage: Storage) {
    this.#folder = folder;
    this.#prefix = grant.outputPrefix;
    this.#storage = storage;
    this.#results = resultFolder(template, grant);
    this.codeFolder = folder.work;
    this.outwards = toStorageUris({ rootUri: storage.rootUri, out: folder.out, outputPrefix: grant.outputPrefix });
  }

  sizeOf(name: string): Promise<number | undefined> {
    return plainFileSize(this.#path(name));
  }

  read(name: string, bytesMax: number): Promise<Uint8Array | undefined> {
    return readPlainFile(this.#path(name), bytesMax);
  }

  async keep(name: string, bytes: Uint8Array): Promise<string> {
    const uri = `${this.#prefix}/${name}`;
    await this.#storage.put(uri, bytes);
    return uri;
  }

  /** The deck, and literals that flytekit moved out of outputs.pb. */
  async keepRest(): Promise<string | undefined> {
    const skipped = new Set([OUTPUTS_FILE, ERROR_FILE, FUTURES_FILE]);
    let deckUri: string | undefined;
    for (const name of await listPlainFiles(this.#folder.out)) {
      if (skipped.has(name)) continue;
      const uri = `${this.#prefix}/${name}`;
      await upload(join(this.#folder.out, name), uri, this.#storage);
      if (name === DECK_FILE) deckUri = uri;
    }
    return deckUri;
  }

  #path(name: string): string {
    return join(this.#folder.out, name === FUTURES_FILE ? name : `${this.#results}${name}`);
  }
}

async function upload(path: string, uri: string, storage: Storage): Promise<void> {
  const opened = await openPlainFile(path);
  if (!opened) return;
  const stream: Readable = opened.file.createReadStream();
  try {
    await storage.put(uri, stream);
  } finally {
    stream.destroy();
    await opened.file.close().catch(() => undefined);
  }
}

async function writeInputs(
  folder: AttemptFolder,
  grant: ClaimGrant,
  template: TaskTemplate,
  { storage, canMount }: FolderPlaceOptions,
): Promise<{ inputs: LiteralMap; mounts: Launch["mounts"] }> {
  const bytes = "data" in grant.inputs ? Buffer.from(grant.inputs.data, "base64") : await storage.get(grant.inputs.uri);
  const inputs = fromBytes(LiteralMapSchema, bytes);
  const config = dataLoadingOf(template);
  const mounts = config ? await prepareData(folder, { config, inputs, storage, canMount }) : {};
  rewriteUris(inputs, toLocalPaths(storage.rootUri));
  await writeFile(join(folder.in, "inputs.pb"), toBytes(LiteralMapSchema, inputs));
  return { inputs, mounts };
}

/**
 * flytekit before 1.11 counts on its image to look for code in the folder where it unpacks it; later ones say so
 * themselves. A process has no image; a container keeps what its image says, except for a map.
 */
function formerEnvironment(folder: AttemptFolder, { type }: TaskTemplate, isProcess: boolean): Record<string, string> {
  if (isProcess) return { PYTHONPATH: folder.work };
  return type === FORMER_MAP_TYPE ? { PYTHONPATH: `${folder.work}:/root` } : {};
}

/** Code goes into the attempt's own folder; flytekit puts it on PYTHONPATH from there. */
function redirectCode(words: readonly string[], work: string): string[] {
  return words.map((word, at) => (words[at - 1] === "--dest-dir" && isElsewhere(word) ? work : word));
}

/** What an eager task registers names the folder of the attempt that the task ran in. */
const isElsewhere = (folder: string): boolean => IMAGE_CODE_FOLDERS.includes(folder) || isWorkFolder(folder);

/** With file storage a task reads all of it, as it would read a bucket, but writes its own place only. */
async function storageFolders(grant: ClaimGrant, storage: Storage): Promise<Pick<Launch, "readable" | "writable">> {
  if (!storage.rootUri.startsWith(FILE_SCHEME)) return { readable: [], writable: [] };
  const readable = [localPath(storage.rootUri)];
  // A run may name a place of its own for raw outputs; one outside of our storage is not ours to open up.
  if (!grant.rawOutputPrefix.startsWith(`${storage.rootUri}/`)) return { readable, writable: [] };
  const raw = localPath(storage.join(grant.rawOutputPrefix.slice(storage.rootUri.length + 1)));
  await mkdir(raw, { recursive: true });
  await openUp(raw);
  return { readable, writable: [raw] };
}

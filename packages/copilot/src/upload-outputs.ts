import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import {
  type BlobType,
  BlobType_BlobDimensionality,
  type Literal,
  type LiteralMap,
  LiteralMapSchema,
  LiteralSchema,
  type LiteralType,
  SimpleType,
  type VariableMap,
} from "@skein/idl/core";
import type { ObjectInfo } from "@skein/storage";
import { Lanes } from "./lanes.ts";
import { filesBelow, findFile, md5Of, namesIn, OutputProblem, readSmall, withPlainFile } from "./output-files.ts";
import { readBinary, readSimple } from "./read-primitive.ts";
import type { Stores } from "./stores.ts";

export interface UploadOptions {
  readonly folder: string;
  readonly declared: VariableMap | undefined;
  /** Where files and folders go. */
  readonly rawPrefix: string;
  readonly stores: Stores;
}

/** The outputs, or why there are none. `isUsers`: the program said so itself. */
export type UploadedOutputs =
  | { readonly outputs: LiteralMap }
  | { readonly problem: string; readonly isUsers: boolean };

const SIMPLE_BYTES_MAX = 1024;
const ERROR_FILE = "_ERROR";
const ERROR_BYTES_MAX = 1024 * 1024;
const LANES = 16;
const LARGE_BYTES = 1024 * 1024;
/** As large as the parts that stores take, so that none has to be put together. */
const CHUNK_BYTES = 8 * 1024 * 1024;
/** Two large files at a time: each is cut into parts, and a few of those are held in memory. */
const LARGE_WEIGHT = 8;

/**
 * Reads what a program that knows nothing of Flyte left: a file per declared output, with a simple value of at most 1024
 * bytes or as a blob, which goes below `rawPrefix`. A file named `_ERROR` is the program's own word that it failed. Called
 * again after it was cut short, it leaves alone what is there with the same size and MD5.
 */
export async function uploadOutputs(options: UploadOptions): Promise<UploadedOutputs> {
  const names = await namesIn(options.folder);
  if (names.includes(ERROR_FILE)) return { problem: await errorText(options.folder), isUsers: true };
  try {
    return { outputs: await new Upload(options, names).all() };
  } catch (error) {
    if (error instanceof OutputProblem) return { problem: error.message, isUsers: false };
    throw error;
  }
}

/** The program's own word that it failed, from its `_ERROR` file; undefined when there is none. */
export async function readErrorFile(folder: string): Promise<string | undefined> {
  return (await namesIn(folder)).includes(ERROR_FILE) ? await errorText(folder) : undefined;
}

async function errorText(folder: string): Promise<string> {
  try {
    return (
      (await readSmall(join(folder, ERROR_FILE), ERROR_BYTES_MAX)).toString() ||
      "The program wrote an empty _ERROR file"
    );
  } catch (error) {
    if (error instanceof OutputProblem) return `The program wrote an _ERROR file. ${error.message}`;
    throw error;
  }
}

async function readValue(type: SimpleType, path: string): Promise<Literal | undefined> {
  const bytes = await readSmall(path, SIMPLE_BYTES_MAX);
  return type === SimpleType.BINARY ? readBinary(bytes) : readSimple(type, bytes.toString());
}

class Upload {
  readonly #options: UploadOptions;
  readonly #names: readonly string[];
  readonly #lanes = new Lanes(LANES);
  /** What an earlier upload brought already. */
  #there: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(options: UploadOptions, names: readonly string[]) {
    this.#options = options;
    this.#names = names;
  }

  async all(): Promise<LiteralMap> {
    const outputs = create(LiteralMapSchema);
    for (const [name, { type }] of Object.entries(this.#options.declared?.variables ?? {})) {
      outputs.literals[name] = await this.#one(name, type);
    }
    await this.#lanes.end();
    return outputs;
  }

  async #one(name: string, type: LiteralType | undefined): Promise<Literal> {
    if (type?.type.case !== "simple" && type?.type.case !== "blob") {
      throw new OutputProblem(
        `The output ${name} has a type that raw containers cannot write: use a simple type or a blob`,
      );
    }
    const file = findFile(this.#names, name);
    const path = join(this.#options.folder, file);
    if (type.type.case === "blob") return await this.#blob(path, type.type.value, `${this.#options.rawPrefix}/${file}`);
    const literal = await readValue(type.type.value, path);
    if (literal) return literal;
    throw new OutputProblem(`The output ${name} does not hold a value of its type`);
  }

  async #blob(path: string, type: BlobType, uri: string): Promise<Literal> {
    if (type.dimensionality === BlobType_BlobDimensionality.MULTIPART) {
      for await (const name of filesBelow(path)) await this.#file(join(path, name), `${uri}/${name}`);
    } else {
      await this.#file(path, uri);
    }
    return create(LiteralSchema, {
      value: { case: "scalar", value: { value: { case: "blob", value: { uri, metadata: { type } } } } },
    });
  }

  /** Resolves when the upload has begun. */
  async #file(path: string, uri: string): Promise<void> {
    const size = await withPlainFile(path, async (_, size) => size);
    await this.#lanes.begin(size > LARGE_BYTES ? LARGE_WEIGHT : 1, () =>
      withPlainFile(path, async (file) => {
        const store = await this.#options.stores.storeOf(uri);
        if (await this.#isThere(uri, size)) {
          const info: ObjectInfo | undefined = await store.head(uri, { md5: true });
          if (info?.md5 && Buffer.from(info.md5).equals(await md5Of(file))) return;
        }
        const chunks = size > LARGE_BYTES ? { highWaterMark: CHUNK_BYTES } : {};
        await store.put(uri, file.createReadStream({ autoClose: false, start: 0, ...chunks }));
      }),
    );
  }

  async #isThere(uri: string, size: number): Promise<boolean> {
    this.#there ??= this.#list();
    return (await this.#there).get(uri) === size;
  }

  /** Without the right to list, everything is uploaded. */
  async #list(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>();
    const { rawPrefix, stores } = this.#options;
    try {
      for await (const { uri, sizeBytes } of (await stores.storeOf(rawPrefix)).list(rawPrefix))
        sizes.set(uri, sizeBytes);
    } catch {
      return new Map();
    }
    return sizes;
  }
}

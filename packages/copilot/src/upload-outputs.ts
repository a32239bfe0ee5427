import { constants } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
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
  type VariableMap,
} from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { readSimple } from "./read-primitive.ts";

/** The outputs, or why there are none. `isUsers`: the program said so itself. */
export type UploadedOutputs =
  | { readonly outputs: LiteralMap }
  | { readonly problem: string; readonly isUsers: boolean };

const SIMPLE_BYTES_MAX = 1024;
const ERROR_FILE = "_ERROR";
const ERROR_BYTES_MAX = 1024 * 1024;

/** Problems of one output; the whole upload ends with the first. */
class OutputProblem extends Error {}

/**
 * Reads what a program that knows nothing of Flyte left: a file per declared output, with a simple value of at most 1024
 * bytes or as a blob, which goes below `rawPrefix`. A file named `_ERROR` is the program's own word that it failed.
 */
export async function uploadOutputs(
  folder: string,
  declared: VariableMap | undefined,
  rawPrefix: string,
  storage: Storage,
): Promise<UploadedOutputs> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.includes(ERROR_FILE)) {
    const text = await readText(join(folder, ERROR_FILE), ERROR_BYTES_MAX).catch(() => "");
    return { problem: text || "The program wrote an empty _ERROR file", isUsers: true };
  }
  const outputs = create(LiteralMapSchema);
  try {
    for (const [name, { type }] of Object.entries(declared?.variables ?? {})) {
      const file = findFile(names, name);
      outputs.literals[name] = await readOutput(name, join(folder, file), type, `${rawPrefix}/${file}`, storage);
    }
  } catch (error) {
    if (error instanceof OutputProblem) return { problem: error.message, isUsers: false };
    throw error;
  }
  return { outputs };
}

/** The name itself, or the only file with that name and an ending. */
function findFile(names: readonly string[], output: string): string {
  if (names.includes(output)) return output;
  const candidates = names.filter((name) => name.startsWith(`${output}.`));
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  const seen = candidates.length > 1 ? `${candidates.join(", ")} could all be it` : "there is no such file";
  throw new OutputProblem(`The output ${output} is missing: ${seen}`);
}

async function readOutput(
  name: string,
  path: string,
  type: LiteralType | undefined,
  uri: string,
  storage: Storage,
): Promise<Literal> {
  if (type?.type.case === "simple") {
    const literal = readSimple(type.type.value, await readText(path, SIMPLE_BYTES_MAX));
    if (literal) return literal;
    throw new OutputProblem(`The output ${name} does not hold a value of its type`);
  }
  if (type?.type.case === "blob") return await uploadBlob(path, type.type.value, uri, storage);
  throw new OutputProblem(
    `The output ${name} has a type that raw containers cannot write: use a simple type or a blob`,
  );
}

async function readText(path: string, bytesMax: number): Promise<string> {
  const file = await openPlain(path);
  try {
    const { size } = await file.stat();
    if (size > bytesMax)
      throw new OutputProblem(`The file ${path} has ${size} bytes, and at most ${bytesMax} are read`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Links are not followed: they could lead to files that are not the program's. */
async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (file && (await file.stat()).isFile()) return file;
  await file?.close();
  throw new OutputProblem(`${path} is not a plain file that can be read`);
}

async function uploadBlob(path: string, type: BlobType, uri: string, storage: Storage): Promise<Literal> {
  if (type.dimensionality === BlobType_BlobDimensionality.MULTIPART) {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => {
      throw new OutputProblem(`${path} is not a folder`);
    });
    for (const { name } of entries.filter((entry) => entry.isFile()))
      await uploadFile(join(path, name), `${uri}/${name}`, storage);
  } else {
    await uploadFile(path, uri, storage);
  }
  return create(LiteralSchema, {
    value: { case: "scalar", value: { value: { case: "blob", value: { uri, metadata: { type } } } } },
  });
}

async function uploadFile(path: string, uri: string, storage: Storage): Promise<void> {
  const file = await openPlain(path);
  try {
    await storage.put(uri, file.createReadStream({ autoClose: false }));
  } finally {
    await file.close();
  }
}

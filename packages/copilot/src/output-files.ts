import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** What is wrong with what the program left, in words for its author. */
export class OutputProblem extends Error {}

/** The names in a folder that is no link; empty when there is none. */
export async function namesIn(folder: string): Promise<string[]> {
  const info = await lstat(folder).catch(() => undefined);
  return info?.isDirectory() ? await readdir(folder) : [];
}

/** The name itself, or the only file with that name and an ending. */
export function findFile(names: readonly string[], output: string): string {
  if (names.includes(output)) return output;
  const candidates = names.filter((name) => name.startsWith(`${output}.`));
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  const seen = candidates.length > 1 ? `${candidates.join(", ")} could all be it` : "there is no such file";
  throw new OutputProblem(`The output ${output} is missing: ${seen}`);
}

/** A whole small file. */
export async function readSmall(path: string, bytesMax: number): Promise<Buffer> {
  return await withPlainFile(path, async (file, size) => {
    if (size > bytesMax) {
      throw new OutputProblem(`The file ${path} has ${size} bytes, and at most ${bytesMax} are read`);
    }
    return await file.readFile();
  });
}

/** Links are not followed: they could lead to files that are not the program's. */
export async function withPlainFile<T>(path: string, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => undefined);
  try {
    const info = await file?.stat();
    if (!file || !info?.isFile()) throw new OutputProblem(`${path} is not a plain file that can be read`);
    return await use(file, info.size);
  } finally {
    await file?.close();
  }
}

/** The paths of all plain files below a folder, relative to it. A link anywhere in it is a problem. */
export async function* filesBelow(folder: string, at = ""): AsyncGenerator<string, undefined> {
  const here = join(folder, at);
  const info = await lstat(here).catch(() => undefined);
  if (!info?.isDirectory()) throw new OutputProblem(`${here} is not a folder`);
  const entries = await readdir(here, { withFileTypes: true }).catch(() => {
    throw new OutputProblem(`${here} is a folder that cannot be read`);
  });
  for (const entry of entries) {
    const path = join(at, entry.name);
    if (entry.isDirectory()) yield* filesBelow(folder, path);
    else if (entry.isFile()) yield path;
    else throw new OutputProblem(`${join(folder, path)} is neither a plain file nor a folder`);
  }
}

/** The MD5 of a file, read as a stream. */
export async function md5Of(file: FileHandle): Promise<Buffer> {
  const hash = createHash("md5");
  for await (const chunk of file.createReadStream({ autoClose: false, start: 0 })) hash.update(chunk as Buffer);
  return hash.digest();
}

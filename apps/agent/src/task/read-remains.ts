import { constants } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join, relative } from "node:path";

/** A plain file that user code left; undefined when there is none. Links are not followed: they could lead to the agent's own files. */
export async function openPlainFile(path: string): Promise<{ file: FileHandle; sizeBytes: number } | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO" || code === "ENOTDIR" || code === "EACCES")
      return undefined;
    throw error;
  }
  const info = await file.stat();
  if (info.isFile()) return { file, sizeBytes: info.size };
  await file.close();
  return undefined;
}

/** The size of a plain file; undefined when there is none. */
export async function plainFileSize(path: string): Promise<number | undefined> {
  const opened = await openPlainFile(path);
  await opened?.file.close();
  return opened?.sizeBytes;
}

/** A plain file's bytes, if they are no more than `bytesMax`. */
export async function readPlainFile(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const opened = await openPlainFile(path);
  if (!opened) return undefined;
  try {
    return opened.sizeBytes > bytesMax ? undefined : await opened.file.readFile();
  } finally {
    await opened.file.close();
  }
}

/** The last bytes of a file as text, from the start of a line. */
export async function readEnd(path: string, bytesMax: number): Promise<string> {
  const opened = await openPlainFile(path);
  if (!opened) return "";
  try {
    const start = Math.max(0, opened.sizeBytes - bytesMax);
    const { buffer, bytesRead } = await opened.file.read(Buffer.alloc(bytesMax), 0, bytesMax, start);
    const text = buffer.subarray(0, bytesRead).toString();
    return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    await opened.file.close();
  }
}

/** Plain files below a folder, as paths relative to it. */
export async function listPlainFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

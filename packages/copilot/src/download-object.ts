import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { appendFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as pause } from "node:timers/promises";
import { SkeinError } from "@skein/errors";
import type { Stores } from "./stores.ts";

export interface ObjectToDownload {
  readonly uri: string;
  readonly path: string;
  /** Undefined where asking for it costs a request, which is made only when something is there already. */
  readonly sizeBytes?: number;
  /** A folder of the same file system, where files lie until they are whole. */
  readonly partsFolder: string;
}

const RANGE_BYTES = 4 * 1024 * 1024;
const TRIES_MAX = 5;
const PAUSE_MS = 200;
const FINAL_CODES: readonly string[] = ["invalid_argument", "not_found", "failed_precondition", "permission_denied"];

/**
 * Brings one object to a file, which appears only when it is whole: a file that is there with the object's size is left
 * alone, and one that was begun is gone on with, by an earlier process or after the network failed.
 */
export async function downloadObject(stores: Stores, object: ObjectToDownload): Promise<void> {
  const { uri, path } = object;
  if (/^https?:\/\//.test(uri)) return await downloadWeb(stores, uri, path);
  const part = join(object.partsFolder, createHash("sha256").update(path).digest("hex"));
  const [there, begun] = [await sizeOf(path), await sizeOf(part)];
  if (there !== undefined || begun !== undefined) {
    const size = object.sizeBytes ?? (await (await stores.storeOf(uri)).head(uri))?.sizeBytes;
    if (there !== undefined && there === size) return;
    if (begun !== undefined && begun > (size ?? 0)) await rm(part);
  }
  for (let tries = 1; ; tries += 1) {
    const before = (await sizeOf(part)) ?? 0;
    try {
      await fill(stores, uri, part, before);
      break;
    } catch (error) {
      if (error instanceof SkeinError && FINAL_CODES.includes(error.code)) throw error;
      if (((await sizeOf(part)) ?? 0) > before) tries = 1;
      if (tries >= TRIES_MAX) throw error;
      await pause(PAUSE_MS * 2 ** tries);
    }
  }
  await rename(part, path);
}

/** Reads the object in one stream; one that was begun, in ranges from there on. */
async function fill(stores: Stores, uri: string, part: string, from: number): Promise<void> {
  const store = await stores.storeOf(uri);
  if (from === 0) {
    const source = await store.getStream(uri);
    await mkdir(dirname(part), { recursive: true });
    await pipeline(source, createWriteStream(part));
    return;
  }
  for (let at = from; ; ) {
    const range = await store.getRange(uri, at, RANGE_BYTES);
    if (range.length === 0) return;
    await appendFile(part, range);
    at += range.length;
  }
}

async function downloadWeb(stores: Stores, uri: string, path: string): Promise<void> {
  if (!stores.readsWeb) {
    const message = `${uri} is a web address, which agents do not fetch: put the file into the object store`;
    throw new SkeinError("invalid_argument", "web_address_not_fetched", message);
  }
  const answer = await fetch(uri);
  if (!answer.ok || !answer.body) {
    throw new SkeinError("failed_precondition", "web_address_failed", `${uri} answered with status ${answer.status}`);
  }
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), createWriteStream(path));
}

const sizeOf = async (path: string): Promise<number | undefined> => {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() ? info.size : undefined;
};

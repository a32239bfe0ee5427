import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, opendir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SkeinError } from "@skein/errors";
import { joinKey, keyOf, objectNotFound, objectTooLarge, STAGING_FOLDER, uriOf } from "./object-uri.ts";
import { signedUrlServer } from "./serve-signed.ts";
import { type SignedGrant, signGrant } from "./signed-token.ts";
import { type ObjectInfo, SIGNED_URL_PATH, type SignedUpload, type Storage, type UploadRequest } from "./storage.ts";

/** How a store without a server of its own makes URLs: the api answers them (`Storage.serveSigned`). */
export interface Signing {
  readonly secretKey: string;
  /** Base URL of the api as clients reach it; a function when it is known only once the server listens. */
  readonly publicUrl: string | (() => string);
}

/** Files below one folder. The folder is created; writes are atomic; symbolic links that lead outside are refused. */
export async function openLocalStorage(rootUri: string, signing: Signing | undefined): Promise<Storage> {
  const configured = rootUri.slice("file://".length);
  await mkdir(join(configured, STAGING_FOLDER), { recursive: true });
  return new LocalStorage(rootUri, configured, await realpath(configured), signing);
}

class LocalStorage implements Storage {
  readonly rootUri: string;
  readonly serveSigned: Storage["serveSigned"];
  readonly #root: string;
  readonly #realRoot: string;
  readonly #signing: Signing | undefined;

  constructor(rootUri: string, root: string, realRoot: string, signing: Signing | undefined) {
    this.rootUri = rootUri;
    this.#root = root;
    this.#realRoot = realRoot;
    this.#signing = signing;
    this.serveSigned = signing && signedUrlServer(this, signing.secretKey);
  }

  join(...segments: string[]): string {
    return uriOf(this.rootUri, joinKey(segments));
  }

  async put(uri: string, body: Uint8Array | Readable): Promise<void> {
    const path = this.#pathOf(uri);
    const staged = join(this.#root, STAGING_FOLDER, randomUUID());
    try {
      const file = await open(staged, "wx", 0o644);
      await writeAndSync(file, body);
      await this.#makeFolder(uri, dirname(path));
      await rename(staged, path);
    } catch (error) {
      await rm(staged, { force: true });
      throw error;
    }
  }

  async get(uri: string, options: { readonly bytesMax?: number } = {}): Promise<Uint8Array> {
    const info = await this.#stat(uri);
    if (!info) throw objectNotFound(uri);
    const bytesMax = options.bytesMax ?? Number.POSITIVE_INFINITY;
    if (info.sizeBytes > bytesMax) throw objectTooLarge(uri, bytesMax);
    const file = await open(info.realPath);
    try {
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  async getStream(uri: string): Promise<Readable> {
    const info = await this.#stat(uri);
    if (!info) throw objectNotFound(uri);
    return createReadStream(info.realPath);
  }

  async getRange(uri: string, start: number, lengthMax: number): Promise<Uint8Array> {
    const info = await this.#stat(uri);
    if (!info) throw objectNotFound(uri);
    const length = Math.max(0, Math.min(lengthMax, info.sizeBytes - start));
    if (length === 0) return new Uint8Array();
    const file = await open(info.realPath);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async head(uri: string, options: { readonly md5?: boolean } = {}): Promise<ObjectInfo | undefined> {
    const info = await this.#stat(uri);
    if (!info) return undefined;
    if (!options.md5) return { uri, sizeBytes: info.sizeBytes };
    const md5 = createHash("md5");
    await pipeline(createReadStream(info.realPath), md5);
    return { uri, sizeBytes: info.sizeBytes, md5: md5.digest() };
  }

  async *list(prefixUri: string): AsyncIterable<ObjectInfo> {
    const folder = prefixUri === this.rootUri ? this.#root : this.#pathOf(prefixUri.replace(/\/$/, ""));
    const entries = await opendir(folder, { recursive: true }).catch(unlessMissing);
    if (!entries) return;
    for await (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const isStaged = path.startsWith(join(this.#root, STAGING_FOLDER) + sep);
      if (!entry.isFile() || isStaged) continue;
      const found = await stat(path).catch(unlessMissing);
      if (found) yield { uri: `file://${path}`, sizeBytes: found.size };
    }
  }

  async remove(uri: string): Promise<void> {
    const path = this.#pathOf(uri);
    const folder = await realpath(dirname(path)).catch(unlessMissing);
    if (folder === undefined) return;
    this.#checkInside(uri, folder);
    // A link within the storage would have somebody else's object removed.
    const plain = join(this.#realRoot, relative(this.#root, dirname(path)));
    if (folder !== plain) throw linkLeaves(uri, "passes through a link");
    await rm(path, { force: true });
  }

  async signUpload(request: UploadRequest): Promise<SignedUpload> {
    const key = keyOf(this.rootUri, request.uri);
    const md5 = request.contentMd5 && Buffer.from(request.contentMd5).toString("base64");
    const expiresAtMs = Date.now() + request.expiresInSeconds * 1000;
    const limits = { contentLengthMax: request.contentLengthMax, ...(md5 && { md5 }) };
    return { url: this.#signedUrl({ method: "PUT", key, expiresAtMs, ...limits }), headers: {} };
  }

  async signDownload(uri: string, expiresInSeconds: number): Promise<string> {
    const key = keyOf(this.rootUri, uri);
    return this.#signedUrl({ method: "GET", key, expiresAtMs: Date.now() + expiresInSeconds * 1000 });
  }

  close(): void {}

  #signedUrl(grant: SignedGrant): string {
    if (!this.#signing) {
      throw new SkeinError(
        "failed_precondition",
        "storage_cannot_sign",
        "This process has no key to sign storage URLs.",
      );
    }
    const { publicUrl, secretKey } = this.#signing;
    const base = (typeof publicUrl === "string" ? publicUrl : publicUrl()).replace(/\/+$/, "");
    return `${base}${SIGNED_URL_PATH}${signGrant(secretKey, grant)}/${encodeURIComponent(basename(grant.key))}`;
  }

  #pathOf(uri: string): string {
    return join(this.#root, keyOf(this.rootUri, uri));
  }

  /** Checked before, so that no folder is made where a link leads outside, and after, because a task may race with it. */
  async #makeFolder(uri: string, folder: string): Promise<void> {
    this.#checkInside(uri, await nearestRealPath(folder));
    await mkdir(folder, { recursive: true });
    this.#checkInside(uri, await realpath(folder));
  }

  async #stat(uri: string): Promise<{ realPath: string; sizeBytes: number } | undefined> {
    const realPath = await realpath(this.#pathOf(uri)).catch(unlessMissing);
    if (realPath === undefined) return undefined;
    this.#checkInside(uri, realPath);
    const found = await stat(realPath).catch(unlessMissing);
    return found?.isFile() ? { realPath, sizeBytes: found.size } : undefined;
  }

  /** Tasks write into this folder: a link that one of them left must not lend the server's rights to its reader. */
  #checkInside(uri: string, realPath: string): void {
    if (realPath === this.#realRoot || realPath.startsWith(this.#realRoot + sep)) return;
    throw linkLeaves(uri, "leads outside the storage folder");
  }
}

const linkLeaves = (uri: string, how: string): SkeinError =>
  new SkeinError("permission_denied", "storage_link_leaves_root", `${uri} ${how}.`);

/** Synced before the rename: after a power cut a name never points at an empty file. */
async function writeAndSync(file: FileHandle, body: Uint8Array | Readable): Promise<void> {
  try {
    await file.writeFile(body);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The real path of the folder, or of the nearest one above it that exists. */
async function nearestRealPath(folder: string): Promise<string> {
  return (await realpath(folder).catch(unlessMissing)) ?? (await nearestRealPath(dirname(folder)));
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}

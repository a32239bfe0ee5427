import { join } from "node:path";
import { type AttemptId, attemptKey, type ClaimGrant, DECK_FILE } from "@skein/contracts";
import type { Storage } from "@skein/storage";
import type { Logger } from "@skein/telemetry";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import { readTaskTemplate } from "../task/prepare-launch.ts";
import { openPlainFile } from "../task/read-remains.ts";

const LOOK_MS = 1_000;
/** Looking into the object store costs a request. */
const LOOK_INTO_STORE_MS = 10_000;
/** A larger deck is shown when the task has ended. */
const LIVE_BYTES_MAX = 16 * 1024 * 1024;

interface Followed {
  readonly folder: AttemptFolder;
  readonly uri: string;
  /** The task writes its deck here; else it stores the deck itself. */
  readonly isOnDisk: boolean;
  nextLookMs: number;
  /** What the file looked like when it was stored last. */
  seen: string;
  /** Undefined until it is stored; then whether the api knows. */
  isAnnounced: boolean | undefined;
  storing: Promise<void> | undefined;
}

/** Stores decks while their tasks still write them, and knows which ones the api has not heard of. */
export class DeckShipper {
  readonly #storage: Pick<Storage, "put" | "head">;
  readonly #logger: Logger;
  readonly #followed = new Map<string, Followed>();
  readonly #timer: NodeJS.Timeout;

  constructor(storage: Pick<Storage, "put" | "head">, logger: Logger) {
    this.#storage = storage;
    this.#logger = logger;
    this.#timer = setInterval(() => this.#lookAtAll(), LOOK_MS);
  }

  /** Looks after the deck of a running task, if the task says that it makes one. */
  follow(folder: AttemptFolder, grant: ClaimGrant, isOnDisk: boolean): void {
    if (!readTaskTemplate(grant).metadata?.generatesDeck) return;
    const uri = `${grant.outputPrefix}/${DECK_FILE}`;
    const news = { seen: "", isAnnounced: undefined, storing: undefined, nextLookMs: 0 };
    this.#followed.set(folder.key, { folder, uri, isOnDisk, ...news });
  }

  /** Once it resolves, nothing is stored here for the attempt any more: whoever stores the last deck comes last. */
  async release(folder: AttemptFolder): Promise<void> {
    const followed = this.#followed.get(folder.key);
    this.#followed.delete(folder.key);
    await followed?.storing;
  }

  /** Attempts whose deck is stored and was not announced. */
  get unannounced(): AttemptId[] {
    return [...this.#followed.values()]
      .filter(({ isAnnounced }) => isAnnounced === false)
      .map(({ folder }) => folder.id);
  }

  announced(ids: readonly AttemptId[]): void {
    for (const id of ids) {
      const followed = this.#followed.get(attemptKey(id));
      if (followed) followed.isAnnounced = true;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#followed.clear();
  }

  #lookAtAll(): void {
    for (const followed of this.#followed.values()) {
      followed.storing ??= (followed.isOnDisk ? this.#store(followed) : this.#find(followed))
        .catch((error) => this.#logger.warn({ err: error, attempt: followed.folder.key }, "A deck could not be stored"))
        .finally(() => {
          followed.storing = undefined;
        });
    }
  }

  async #find(followed: Followed): Promise<void> {
    if (followed.isAnnounced !== undefined || Date.now() < followed.nextLookMs) return;
    followed.nextLookMs = Date.now() + LOOK_INTO_STORE_MS;
    if (await this.#storage.head(followed.uri)) followed.isAnnounced = false;
  }

  async #store(followed: Followed): Promise<void> {
    const opened = await openPlainFile(join(followed.folder.out, DECK_FILE));
    if (!opened) return;
    try {
      const { size, mtimeMs } = await opened.file.stat();
      const looks = `${size} ${mtimeMs}`;
      if (looks === followed.seen || size > LIVE_BYTES_MAX) return;
      await this.#storage.put(followed.uri, await opened.file.readFile());
      followed.seen = looks;
      followed.isAnnounced ??= false;
    } finally {
      await opened.file.close();
    }
  }
}

import { truncate } from "node:fs/promises";
import { LOG_BYTES_MAX, type LogChunk } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import type { Logger } from "@skein/telemetry";
import { z } from "zod";
import type { HeldAttempt } from "../held-attempt.ts";
import { openPlainFile } from "../task/read-remains.ts";
import type { ApiClient } from "./api-client.ts";

const TICK_MS = 250;
const PAUSE_AFTER_FAILURE_MS = 2_000;
const CHUNK_BYTES_MAX = 64 * 1024;
/** About 700 KiB of text in one call. */
const CHUNKS_PER_CALL = 8;
/** After its end an attempt's log is given this long to get through. */
const LAST_WORDS_MS = 30_000;
/** A log on disk is cut back once it is this much over its cap. */
const SLACK_BYTES = 1024 * 1024;
const CUT_LINE = Buffer.from(`\n[the log is cut here, after ${LOG_BYTES_MAX} bytes]\n`);

interface Followed {
  readonly held: HeldAttempt;
  /** Of the log as it is sent. */
  offset: number;
  /** How much of the file that stands for: values that were hidden there were longer or shorter. */
  read: number;
  /** The task ended: once this long past, what is left is dropped. */
  givenUpAtMs: number | undefined;
  resolve: () => void;
  readonly whenDone: Promise<void>;
}

const Progress = z.object({ offset: z.int().min(0), read: z.int().min(0).optional() });

/** Sends what tasks print to the api, in pieces with offsets, and goes on where an earlier agent process stopped. */
export class LogShipper {
  readonly #api: ApiClient;
  readonly #agentId: string;
  readonly #logger: Logger;
  readonly #followed = new Map<HeldAttempt, Followed>();
  readonly #onSent: (bytes: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #isTicking = false;
  #isClosed = false;

  /** `onSent` hears of bytes that the api took. */
  constructor(api: ApiClient, agentId: string, logger: Logger, onSent: (bytes: number) => void) {
    this.#api = api;
    this.#onSent = onSent;
    this.#agentId = agentId;
    this.#logger = logger;
  }

  async follow(held: HeldAttempt): Promise<void> {
    const progress = await held.folder.read("shipped", Progress);
    const offset = progress?.offset ?? 0;
    const read = progress?.read ?? offset;
    let resolve = () => {};
    const whenDone = new Promise<void>((done) => {
      resolve = done;
    });
    this.#followed.set(held, { held, offset, read, givenUpAtMs: undefined, resolve, whenDone });
    this.#schedule(TICK_MS);
  }

  /** The task prints no more. Resolves when its log is sent, or when that did not work for a while. */
  async finish(held: HeldAttempt): Promise<void> {
    const followed = this.#followed.get(held);
    if (!followed) return;
    followed.givenUpAtMs ??= Date.now() + LAST_WORDS_MS;
    this.#schedule(0);
    await followed.whenDone;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const followed of this.#followed.values()) followed.resolve();
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed || this.#isTicking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tick(), delayMs);
  }

  async #tick(): Promise<void> {
    this.#isTicking = true;
    let delayMs = TICK_MS;
    try {
      if (await this.#ship()) delayMs = 0;
    } catch (error) {
      delayMs = PAUSE_AFTER_FAILURE_MS;
      this.#logger.debug({ err: error }, "The api did not take log chunks; they are sent again");
    }
    this.#isTicking = false;
    for (const followed of this.#followed.values()) {
      if (followed.givenUpAtMs !== undefined && Date.now() > followed.givenUpAtMs) this.#drop(followed);
    }
    if (this.#followed.size > 0) this.#schedule(delayMs);
  }

  /** One call; true when there may be more to send at once. */
  async #ship(): Promise<boolean> {
    const batch: { followed: Followed; chunk: LogChunk; sizeBytes: number; consumed: number }[] = [];
    for (const followed of [...this.#followed.values()]) {
      if (batch.length >= CHUNKS_PER_CALL) break;
      const { masked: bytes, consumed } = await readMore(followed);
      if (bytes.length === 0) {
        if (followed.givenUpAtMs !== undefined) this.#drop(followed);
        continue;
      }
      const { runId, ordinal, attempt, token } = followed.held.order;
      const chunk = { runId, ordinal, attempt, token, offset: followed.offset, data: bytes.toString("base64") };
      batch.push({ followed, chunk, sizeBytes: bytes.length, consumed });
    }
    if (batch.length === 0) return false;
    try {
      await this.#api.appendLogs({ agentId: this.#agentId, chunks: batch.map(({ chunk }) => chunk) });
      this.#onSent(batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    } catch (error) {
      // Refused for good, not unreachable: sending the same again would end the same way.
      if (!(error instanceof SkeinError && error.code === "failed_precondition")) throw error;
      this.#logger.warn({ err: error }, "The api refused log chunks");
    }
    for (const { followed, sizeBytes, consumed } of batch) {
      followed.offset += sizeBytes;
      followed.read += consumed;
      const { offset, read } = followed;
      await followed.held.folder.write("shipped", { offset, read }).catch(() => undefined);
      // To the back of the line, so that one loud task does not silence the others.
      if (this.#followed.delete(followed.held)) this.#followed.set(followed.held, followed);
    }
    return true;
  }

  #drop(followed: Followed): void {
    this.#followed.delete(followed.held);
    followed.resolve();
  }
}

const NOTHING = { masked: Buffer.alloc(0), consumed: 0 };

/** The next piece, masked; empty when there is none yet, or when the log is cut. */
async function readMore(followed: Followed): Promise<{ masked: Buffer; consumed: number }> {
  const { held, offset, read, givenUpAtMs } = followed;
  const cap = LOG_BYTES_MAX - CUT_LINE.length;
  const opened = held.mask && (await openPlainFile(held.folder.log));
  if (!held.mask || !opened || offset >= LOG_BYTES_MAX) {
    await opened?.file.close();
    if (opened && opened.sizeBytes > LOG_BYTES_MAX + SLACK_BYTES) await truncate(held.folder.log, LOG_BYTES_MAX);
    return NOTHING;
  }
  try {
    if (offset >= cap) return opened.sizeBytes > read ? { masked: CUT_LINE, consumed: 0 } : NOTHING;
    const wanted = Math.min(CHUNK_BYTES_MAX, Math.max(0, opened.sizeBytes - read));
    const { buffer, bytesRead } = await opened.file.read(Buffer.alloc(wanted), 0, wanted, read);
    const isEnd = givenUpAtMs !== undefined && read + bytesRead >= opened.sizeBytes;
    const { masked, consumed } = held.mask.next(buffer.subarray(0, bytesRead), isEnd);
    // What does not fit under the cap counts as unread: it is what the last line speaks of.
    const over = Math.max(0, masked.length - (cap - offset));
    return { masked: masked.subarray(0, masked.length - over), consumed: consumed - over };
  } finally {
    await opened.file.close();
  }
}

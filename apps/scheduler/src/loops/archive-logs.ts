import { Readable } from "node:stream";
import { type AttemptId, attemptKey } from "@skein/contracts";
import {
  findNextChunk,
  type LogToArchive,
  readLogBytes,
  recordArchivedLog,
  scanLogs,
  whileArchivingAlone,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { Storage } from "@skein/storage";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "../database.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import type { Round } from "./loop.ts";

export interface ArchiveLogsOptions {
  readonly pool: Pool;
  readonly storage: Pick<Storage, "join" | "put" | "getRange">;
  readonly logger: Logger;
  readonly metrics: Pick<SchedulerMetrics, "archivedLogs">;
  /** A log is complete when its attempt is over and nothing of it has come for so long. */
  readonly quietMs?: number;
}

/** An agent sends an ended task's log for half a minute at most. What comes later still is added to the object. */
const QUIET_MS = 40_000;
const LOGS_PER_ROUND = 200;
const AT_ONCE = 4;
const PIECE_BYTES = 1024 * 1024;

/**
 * Puts the pieces of ended attempts' logs together: first the object, then its address, and with it the pieces go. After a
 * crash in between it is done again, with the same result.
 */
export function archiveLogsRound(options: ArchiveLogsOptions): Round {
  const { pool, logger, metrics, quietMs = QUIET_MS } = options;
  let after: AttemptId | null = null;
  const archiveSafely = async (log: LogToArchive): Promise<void> => {
    try {
      const isDone = await archive(options, log);
      metrics.archivedLogs.inc({ outcome: isDone ? "done" : "overtaken" });
    } catch (error) {
      metrics.archivedLogs.inc({ outcome: "failed" });
      logger.warn({ err: error, attempt: attemptKey(log) }, "a log could not be archived and will be tried again");
    }
  };
  return async () => {
    let isMoreWaiting = false;
    await whileArchivingAlone(pool, async () => {
      const { due, next } = await scanLogs(pool, after, quietMs, LOGS_PER_ROUND);
      const left = due.values();
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (const log of left) await archiveSafely(log);
        }),
      );
      after = next;
      isMoreWaiting = next !== null;
    });
    return isMoreWaiting;
  };
}

async function archive(options: ArchiveLogsOptions, log: LogToArchive): Promise<boolean> {
  const { pool, storage } = options;
  const { project, domain, runName, actionName, attempt } = log;
  const uri = storage.join("logs", project, domain, runName, actionName, `${attempt}.log`);
  const sizeBytes = Math.max(log.logBytes, log.endBytes);
  // What came late may be in the object already.
  if (sizeBytes > log.logBytes) {
    const pieces = readPieces(options, log, sizeBytes);
    await storage.put(uri, sizeBytes <= PIECE_BYTES ? await gather(pieces) : Readable.from(pieces));
  }
  return recordArchivedLog(pool, log, uri, sizeBytes);
}

/** A store takes a small object in one call. */
async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts);
}

/** The log from its start, piece by piece. Rejects when pieces vanish meanwhile: then it is somebody else's work. */
async function* readPieces(
  { pool, storage }: ArchiveLogsOptions,
  log: LogToArchive,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < sizeBytes; ) {
    const wanted = Math.min(PIECE_BYTES, sizeBytes - at);
    const isArchived = log.logUri !== null && at < log.logBytes;
    const found = isArchived
      ? await storage.getRange(log.logUri ?? "", at, Math.min(wanted, log.logBytes - at))
      : await readLogBytes(pool, log, at, wanted);
    const piece = found.length > 0 ? found : missing(await gapAt(pool, log, at), wanted);
    yield piece;
    at += piece.length;
  }
}

async function gapAt(pool: Pool, log: LogToArchive, at: number): Promise<number> {
  const next = await findNextChunk(pool, log, at);
  if (next !== undefined) return next - at;
  throw new SkeinError("aborted", "log_pieces_gone", `The log of ${attemptKey(log)} ends at byte ${at} by now`);
}

/** Stands for bytes that never came, so that every other byte keeps its place. */
function missing(gapBytes: number, wanted: number): Uint8Array {
  const length = Math.min(gapBytes, wanted);
  return Buffer.from(`\n[${gapBytes} bytes are missing here]\n`.padEnd(length, "\n").slice(-length));
}

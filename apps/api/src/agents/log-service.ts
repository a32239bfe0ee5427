import type { AttemptId } from "@skein/contracts";
import { findLogPlace, type OpenDb, readLogBytes } from "@skein/db";
import type { Storage } from "@skein/storage";

/** A stretch of an attempt's log. */
export interface LogPage {
  readonly text: string;
  /** Where the next page begins, in bytes. */
  readonly nextOffset: number;
}

export interface LogService {
  /** What is stored from `offset` on, at most `bytesMax` bytes. Empty while nothing is there. */
  read(id: AttemptId, offset: number, bytesMax: number): Promise<LogPage>;
}

/**
 * Reads a log wherever it lies: in rows while its attempt runs and shortly after, then in the object store, with what came
 * late in rows behind that.
 */
export function createLogService(pool: OpenDb["pool"], storage: Pick<Storage, "getRange">): LogService {
  const readArchived = async (id: AttemptId, offset: number, bytesMax: number): Promise<Uint8Array | undefined> => {
    const place = await findLogPlace(pool, id);
    if (!place?.logUri || offset >= place.logBytes) return undefined;
    return storage.getRange(place.logUri, offset, Math.min(bytesMax, place.logBytes - offset));
  };
  const readBytes = async (id: AttemptId, offset: number, bytesMax: number): Promise<Uint8Array> => {
    const pieces = await readLogBytes(pool, id, offset, bytesMax);
    // Asked for second: pieces go only after the object has come.
    return pieces.length > 0 ? pieces : ((await readArchived(id, offset, bytesMax)) ?? pieces);
  };
  return {
    async read(id, offset, bytesMax) {
      const bytes = Buffer.from(await readBytes(id, offset, bytesMax));
      const whole = bytes.subarray(0, wholeCharacters(bytes));
      return { text: whole.toString("utf8"), nextOffset: offset + whole.length };
    },
  };
}

/** A UTF-8 character has at most three bytes after its first one. */
const TAIL_BYTES_MAX = 3;

/** The length without a character that is cut at the end; it comes with the next page. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(TAIL_BYTES_MAX, bytes.length - 1); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    const isFirst = byte >= 0xc0;
    if (!isFirst) {
      if (byte < 0x80) return bytes.length;
      continue;
    }
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

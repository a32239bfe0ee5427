import type { AttemptId } from "@skein/contracts";
import { type OpenDb, readLogBytes } from "@skein/db";

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

export const createLogService = (pool: OpenDb["pool"]): LogService => ({
  async read(id, offset, bytesMax) {
    const bytes = await readLogBytes(pool, id, offset, bytesMax);
    const whole = bytes.subarray(0, wholeCharacters(bytes));
    return { text: whole.toString("utf8"), nextOffset: offset + whole.length };
  },
});

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

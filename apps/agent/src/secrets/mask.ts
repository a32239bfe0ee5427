import { patternsOf } from "./mask-patterns.ts";

/** Hides known values in what a task says. */
export interface Mask {
  /**
   * The next piece of a stream, masked. `bytes` begin where the last piece ended; `consumed` says how many of them the
   * answer stands for: an end that may be the beginning of a value waits for what follows, unless `isEnd`. However a
   * stream is cut, the pieces make the same text.
   */
  next(bytes: Buffer, isEnd: boolean): { readonly masked: Buffer; readonly consumed: number };
  text(text: string): string;
}

const STARS = Buffer.from("***");

/** Hides the values, their lines, and the usual encodings of them. Values of less than four bytes stay: they are everywhere. */
export function createMask(values: readonly Uint8Array[]): Mask {
  const patterns = patternsOf(values);
  if (patterns.length === 0) return NO_MASK;
  const next: Mask["next"] = (bytes, isEnd) => {
    const limit = isEnd ? bytes.length : decidableLength(bytes, patterns);
    const parts: Buffer[] = [];
    let at = 0;
    const found = patterns.map((pattern) => ({ pattern, at: bytes.indexOf(pattern) }));
    while (at < limit) {
      const match = firstMatch(found, bytes, at);
      if (!match || match.at >= limit) break;
      parts.push(bytes.subarray(at, match.at), STARS);
      at = match.at + match.pattern.length;
    }
    if (at >= limit) return { masked: Buffer.concat(parts), consumed: at };
    return { masked: Buffer.concat([...parts, bytes.subarray(at, limit)]), consumed: limit };
  };
  return { next, text: (text) => next(Buffer.from(text), true).masked.toString() };
}

/** For tasks without secrets. */
export const NO_MASK: Mask = {
  next: (bytes) => ({ masked: bytes, consumed: bytes.length }),
  text: (text) => text,
};

interface Found {
  readonly pattern: Buffer;
  /** Its next place, -1 for none. */
  at: number;
}

/** The leftmost match from `from` on, the longest of those that begin there. Places found before are used again. */
function firstMatch(found: readonly Found[], bytes: Buffer, from: number): Found | undefined {
  let best: Found | undefined;
  for (const one of found) {
    if (one.at !== -1 && one.at < from) one.at = bytes.indexOf(one.pattern, from);
    if (one.at === -1) continue;
    if (!best || one.at < best.at || (one.at === best.at && one.pattern.length > best.pattern.length)) best = one;
  }
  return best;
}

/** Up to the first byte from which the rest may be the beginning of a pattern. */
function decidableLength(bytes: Buffer, patterns: readonly Buffer[]): number {
  let limit = bytes.length;
  for (const pattern of patterns) {
    for (let at = Math.max(0, bytes.length - pattern.length + 1); at < limit; at += 1) {
      if (bytes[at] === pattern[0] && bytes.subarray(at).equals(pattern.subarray(0, bytes.length - at))) limit = at;
    }
  }
  return limit;
}

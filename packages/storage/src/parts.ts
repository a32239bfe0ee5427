import type { Readable } from "node:stream";

const FIRST_PART_BYTES = 8 * 1024 * 1024;
/** Parts of one size before they double: 10,000 parts, S3's most, then hold 496 GiB, and objects up to 16 GiB need one small part of memory. */
const PARTS_OF_A_SIZE = 2_000;

/** Cuts a stream into parts of 8 MiB and, far on, more. One is held in memory at a time, beside the one being filled. */
export async function* readParts(body: Readable): AsyncGenerator<Buffer, undefined> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let parts = 0;
  for await (const chunk of body) {
    const buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    chunks.push(buffer);
    bytes += buffer.length;
    if (bytes >= FIRST_PART_BYTES * 2 ** Math.floor(parts / PARTS_OF_A_SIZE)) {
      yield joined(chunks);
      chunks = [];
      bytes = 0;
      parts += 1;
    }
  }
  if (bytes > 0) yield joined(chunks);
}

/** A stream that comes in large chunks is not copied. */
const joined = (chunks: readonly Buffer[]): Buffer => {
  const [only] = chunks;
  return only && chunks.length === 1 ? only : Buffer.concat(chunks);
};

/**
 * Stores a stream of unknown length: with `whole` when it fits one part, else with `inParts`, which gets every part
 * in order.
 */
export async function putInParts(
  body: Readable,
  whole: (content: Buffer) => Promise<unknown>,
  inParts: (parts: AsyncIterable<Buffer>) => Promise<unknown>,
): Promise<void> {
  const parts = readParts(body);
  const head: Buffer[] = [];
  for (let next = await parts.next(); !next.done; next = await parts.next()) {
    head.push(next.value);
    if (head.length > 1) return void (await inParts(chain(head, parts)));
  }
  await whole(head[0] ?? Buffer.alloc(0));
}

/** Lets go of each part as it goes. */
async function* chain(head: Buffer[], tail: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  for (let part = head.shift(); part; part = head.shift()) yield part;
  yield* tail;
}

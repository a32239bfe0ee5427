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
    const buffer = Buffer.from(chunk);
    chunks.push(buffer);
    bytes += buffer.length;
    if (bytes >= FIRST_PART_BYTES * 2 ** Math.floor(parts / PARTS_OF_A_SIZE)) {
      yield Buffer.concat(chunks);
      chunks = [];
      bytes = 0;
      parts += 1;
    }
  }
  if (bytes > 0) yield Buffer.concat(chunks);
}

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
  const first = await parts.next();
  const second = await parts.next();
  if (second.done) await whole(first.value ?? Buffer.alloc(0));
  else await inParts(chain([first.value ?? Buffer.alloc(0), second.value], parts));
}

async function* chain(head: readonly Buffer[], tail: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  yield* head;
  yield* tail;
}

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/**
 * Reads and writes protobuf as byte ranges, for values with very many literals: none of them is decoded, and what we do
 * not know of them survives.
 */

/** A field of a message: where its tag begins, and where its content lies. */
export interface WireField {
  readonly no: number;
  readonly isDelimited: boolean;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

/** Bytes that are not a protobuf message. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** Calls `visit` with the fields of the message between `start` and `end`, in order. */
export function readFields(bytes: Uint8Array, start: number, end: number, visit: (field: WireField) => void): void {
  const reader = new BinaryReader(bytes);
  reader.pos = start;
  try {
    while (reader.pos < end) {
      const fieldStart = reader.pos;
      const [no, type] = reader.tag();
      const isDelimited = type === WireType.LengthDelimited;
      let contentStart = reader.pos;
      if (isDelimited) {
        const length = reader.uint32();
        contentStart = reader.pos;
        reader.pos += length;
      } else reader.skip(type, no);
      if (reader.pos > end) throw new WireError(`field ${no} goes beyond its message`);
      visit({ no, isDelimited, start: fieldStart, contentStart, end: reader.pos });
    }
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError((error as Error).message);
  }
}

/** The tag of a length-delimited field, for field numbers below 16. */
const tagOf = (no: number): number => (no << 3) | WireType.LengthDelimited;

/** How many bytes a length takes. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** How many bytes a length-delimited field takes. */
export const fieldSize = (contentSize: number): number => 1 + varintSize(contentSize) + contentSize;

/** Writes length-delimited fields one after the other. It grows; a size that is known beforehand saves the copies. */
export class WireWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(sizeHint = 256) {
    this.#bytes = new Uint8Array(sizeHint);
  }

  get length(): number {
    return this.#length;
  }

  /** Begins a field; its content comes next. */
  open(no: number, contentSize: number): void {
    this.#reserve(1 + varintSize(contentSize));
    this.#byte(tagOf(no));
    let rest = contentSize;
    while (rest > 127) {
      this.#byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }

  write(content: Uint8Array): void {
    this.#reserve(content.length);
    this.#bytes.set(content, this.#length);
    this.#length += content.length;
  }

  /** Takes back everything written after `length` bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** What was written. The writer must not be used any more. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #byte(value: number): void {
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

import { BinaryReader } from "@bufbuild/protobuf/wire";
import { fromBytes } from "@skein/idl";
import { type Literal, LiteralSchema } from "@skein/idl/core";

/** Fields of `LiteralMap` and of its entries. */
const ENTRY = 1;
const KEY = 1;
const VALUE = 2;

/** A literal and what it weighs. */
export interface FoundLiteral {
  readonly literal: Literal;
  readonly sizeBytes: number;
}

/** One literal of a serialized `LiteralMap` that is too large to decode as a whole; the others are skipped. */
export function findLiteral(map: Uint8Array, variable: string): FoundLiteral | undefined {
  let found: Uint8Array | undefined;
  const reader = new BinaryReader(map);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== ENTRY) {
      reader.skip(type, field);
      continue;
    }
    const entry = readEntry(reader.bytes());
    // Of two entries with one key the last one counts, as for every protobuf map.
    if (entry.key === variable) found = entry.value;
  }
  return found && { literal: fromBytes(LiteralSchema, found), sizeBytes: found.length };
}

interface Entry {
  key: string;
  value: Uint8Array;
}

function readEntry(bytes: Uint8Array): Entry {
  const entry: Entry = { key: "", value: new Uint8Array() };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === KEY) entry.key = reader.string();
    else if (field === VALUE) entry.value = reader.bytes();
    else reader.skip(type, field);
  }
  return entry;
}

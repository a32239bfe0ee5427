import { create } from "@bufbuild/protobuf";
import type { StoredValue } from "@skein/db";
import { fromBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type { Storage } from "@skein/storage";

/** Larger values go to the object store, so that rows stay small enough to load in bulk. */
const INLINE_BYTES_MAX = 1024 * 1024;
/** What an answer may hold: flytekit takes no message over 20 MiB. */
const READ_BYTES_MAX = 64 * 1024 * 1024;

interface ValueLocation {
  readonly data: Uint8Array | null;
  readonly uri: string | null;
}

/** Puts a value where it belongs by its size; `segments` is its place in the store. */
export async function storeValue(
  storage: Storage,
  bytes: Uint8Array,
  segments: readonly string[],
): Promise<StoredValue> {
  if (bytes.length <= INLINE_BYTES_MAX) return { data: bytes, sizeBytes: bytes.length };
  const uri = storage.join(...segments);
  await storage.put(uri, bytes);
  return { uri, sizeBytes: bytes.length };
}

/** The literals of a stored value, wherever it is; empty for none. */
export async function readValue(storage: Storage, value: ValueLocation | undefined): Promise<LiteralMap> {
  if (!value) return create(LiteralMapSchema);
  if (value.data) return fromBytes(LiteralMapSchema, value.data);
  if (value.uri === null) return create(LiteralMapSchema);
  return fromBytes(LiteralMapSchema, await storage.get(value.uri, { bytesMax: READ_BYTES_MAX }));
}

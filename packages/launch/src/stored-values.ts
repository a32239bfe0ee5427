import { create } from "@bufbuild/protobuf";
import type { StoredValue } from "@skein/db";
import { fromBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";

/** What we need of the object store. */
export interface ValueStore {
  join(...segments: string[]): string;
  put(uri: string, body: Uint8Array): Promise<void>;
  get(uri: string): Promise<Uint8Array>;
}

/** Larger values go to the object store, so that rows stay small enough to load in bulk. */
const INLINE_BYTES_MAX = 1024 * 1024;

interface ValueLocation {
  readonly data: Uint8Array | null;
  readonly uri: string | null;
}

/** Puts a value where it belongs by its size; `segments` is its place in the store. */
export async function storeValue(
  storage: Pick<ValueStore, "join" | "put">,
  bytes: Uint8Array,
  segments: readonly string[],
): Promise<StoredValue> {
  if (bytes.length <= INLINE_BYTES_MAX) return { data: bytes, sizeBytes: bytes.length };
  const uri = storage.join(...segments);
  await storage.put(uri, bytes);
  return { uri, sizeBytes: bytes.length };
}

/** The literals of a stored value, wherever it is and whatever its size; empty for none. */
export async function readValue(
  storage: Pick<ValueStore, "get">,
  value: ValueLocation | undefined,
): Promise<LiteralMap> {
  if (!value) return create(LiteralMapSchema);
  if (value.data) return fromBytes(LiteralMapSchema, value.data);
  if (value.uri === null) return create(LiteralMapSchema);
  return fromBytes(LiteralMapSchema, await storage.get(value.uri));
}

import { type ActionRow, type Db, findValue } from "@skein/db";
import { sliceInputs } from "@skein/engine";
import type { Node } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import type { ValuePlace } from "../values/readable-values.ts";

/** Larger inputs of a map are shown whole, as its task is given them. */
const SLICED_BYTES_MAX = 16 * 1024 * 1024;

export interface ItemInputsOptions {
  readonly db: Db;
  readonly storage: Pick<Storage, "get">;
  readonly findNode: (place: { readonly runId: string; readonly ordinal: number }) => Promise<Node | undefined>;
}

/** What an action was given. An item that picks its part of its map's inputs by itself is shown that part. */
export async function findInputs(
  { db, storage, findNode }: ItemInputsOptions,
  { runId, ordinal, itemIndex, inputsOrdinal }: ActionRow,
): Promise<ValuePlace | undefined> {
  const value = await findValue(db, runId, inputsOrdinal ?? ordinal, "inputs");
  if (!value || inputsOrdinal === null || itemIndex === null || value.sizeBytes > SLICED_BYTES_MAX) return value;
  const map = await findNode({ runId, ordinal: inputsOrdinal });
  const bytes = value.data ?? (value.uri === null ? undefined : await storage.get(value.uri));
  if (map?.target.case !== "arrayNode" || !bytes) return value;
  const slices = sliceInputs(bytes, { boundInputs: new Set(map.target.value.boundInputs) });
  if ("failure" in slices || itemIndex >= slices.count) return value;
  const data = slices.itemInputs(itemIndex);
  return { data, uri: null, sizeBytes: data.length };
}

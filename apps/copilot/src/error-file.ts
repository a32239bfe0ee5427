import { type DataFailure, errorDocument, type Stores } from "@skein/copilot";

/** Writes why there are no inputs or outputs, unless the task has its reason already. */
export async function writeErrorFile(stores: Stores, uri: string, failure: DataFailure): Promise<void> {
  const store = await stores.storeOf(uri);
  if (await store.head(uri)) return;
  await store.put(uri, errorDocument(failure));
}

/** A failure on one line of the log. */
export const messageOf = (failure: DataFailure): string => {
  if ("problem" in failure) return failure.problem;
  return failure.error instanceof Error ? failure.error.message : String(failure.error);
};

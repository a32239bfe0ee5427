import {
  findHeldObjects,
  type KeptObject,
  keepObjects,
  type ObjectToDelete,
  type OpenPurge,
} from "@skein/db/retention";
import type { Storage } from "@skein/storage";
import type { Pool } from "../database.ts";
import { foldersAround } from "./run-folders.ts";

export type PurgedStore = Pick<Storage, "rootUri" | "join" | "list" | "remove">;

interface Attempt {
  readonly ordinal: number;
  readonly attempt: number;
}

interface DeletedObjects {
  readonly objectsDeleted: number;
  readonly bytesDeleted: number;
  /** A round's worth was deleted, and there may be more. */
  readonly isCut: boolean;
}

const BATCH = 200;
const AT_ONCE = 8;

/**
 * Deletes what lies in a folder of a run, but for what somebody points at. Doing it again goes on where it stopped. `attemptOf`
 * says which attempt wrote an object, where that is known.
 */
export async function deleteFolder(
  pool: Pool,
  storage: PurgedStore,
  purge: OpenPurge,
  folder: string,
  objectsMax: number,
  attemptOf: (path: readonly string[]) => Attempt | undefined,
): Promise<DeletedObjects> {
  let [objectsDeleted, bytesDeleted] = [0, 0];
  let batch: ObjectToDelete[] = [];
  const flush = async () => {
    const gone = await deleteUnlessHeld(pool, storage, purge, batch);
    objectsDeleted += gone.length;
    bytesDeleted += gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    batch = [];
  };
  for await (const { uri, sizeBytes } of storage.list(folder)) {
    // Whatever a store answers, nothing outside of the folder is touched.
    if (!uri.startsWith(`${folder}/`)) continue;
    const { ordinal, attempt } = attemptOf(uri.slice(folder.length + 1).split("/")) ?? { ordinal: null, attempt: null };
    batch.push({ uri, sizeBytes, folders: foldersAround(folder, uri), ordinal, attempt });
    if (batch.length === BATCH) await flush();
    if (objectsDeleted >= objectsMax) return { objectsDeleted, bytesDeleted, isCut: true };
  }
  await flush();
  return { objectsDeleted, bytesDeleted, isCut: false };
}

async function deleteUnlessHeld(
  pool: Pool,
  storage: PurgedStore,
  { runId, kind }: OpenPurge,
  objects: readonly ObjectToDelete[],
): Promise<ObjectToDelete[]> {
  if (objects.length === 0) return [];
  const held = await findHeldObjects(pool, runId, kind, objects);
  // Remembered before the rest goes: a crash in between must not forget them.
  const kept = objects.filter((_, index) => held.has(index));
  if (kind === "run" && kept.length > 0) await keepObjects(pool, runId, kept);
  const free = objects.filter((_, index) => !held.has(index));
  await removeAll(storage, free);
  return free;
}

async function removeAll(storage: PurgedStore, objects: readonly { readonly uri: string }[]): Promise<void> {
  const left = objects.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const { uri } of left) await storage.remove(uri);
    }),
  );
}

/** Deletes the kept objects of one run that nobody points at any more; answers their addresses. */
export async function deleteReleased(
  pool: Pool,
  storage: PurgedStore,
  runId: string,
  kept: readonly KeptObject[],
): Promise<string[]> {
  const objects = kept.map((one) => ({ ...one, folders: foldersAbove(storage.rootUri, one.uri) }));
  const held = await findHeldObjects(pool, runId, "run", objects);
  const free = objects.filter((_, index) => !held.has(index));
  await removeAll(storage, free);
  return free.map(({ uri }) => uri);
}

/** Which of them was the run's own is not known any more; `meta/<project>/<domain>` and the like are nobody's. */
const TENANT_DEPTH = 3;
const foldersAbove = (rootUri: string, uri: string): string[] => foldersAround(rootUri, uri).slice(TENANT_DEPTH + 1);

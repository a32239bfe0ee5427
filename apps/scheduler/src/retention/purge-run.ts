import {
  deleteRunRows,
  endObjectsPurge,
  endRunPurge,
  type OpenPurge,
  readCachedAttempts,
  readPurgedAttempts,
  recordProgress,
} from "@skein/db/retention";
import type { Pool } from "../database.ts";
import { deleteFolder, type PurgedStore } from "./delete-objects.ts";
import { foldersOfRun, rawFolderOf } from "./run-folders.ts";

/** What one round may do for one purge. */
export interface PurgeLimits {
  readonly objects: number;
  readonly attempts: number;
  readonly rows: number;
}

interface PurgeResources {
  readonly pool: Pool;
  readonly storage: PurgedStore;
  readonly limits: PurgeLimits;
}

/**
 * Carries a purge on by one step: objects first, because rows say where they lie, and the run's own row last, because it
 * holds the name. Each step may be done twice. True: it is over.
 */
export async function purgeStep(resources: PurgeResources, purge: OpenPurge): Promise<boolean> {
  const { pool, limits } = resources;
  if (await purgeRawFolders(resources, purge)) return false;
  if (await purgeFolders(resources, purge)) return false;
  if (purge.kind === "objects") {
    await endObjectsPurge(pool, purge.id, purge.runId);
    return true;
  }
  const rowsDeleted = await deleteRunRows(pool, purge.runId, limits.rows);
  if (rowsDeleted > 0) {
    await recordProgress(pool, purge.id, { rowsDeleted });
    return false;
  }
  await endRunPurge(pool, purge.id, purge.runId);
  return true;
}

/** The next attempts' own files. True: there were some, and there may be more. */
async function purgeRawFolders({ pool, storage, limits }: PurgeResources, purge: OpenPurge): Promise<boolean> {
  const attempts = await readPurgedAttempts(pool, purge, limits.attempts);
  for (const one of attempts) {
    const { ordinal, attempt } = one;
    const next = { ordinal, attempt: attempt + 1 };
    const folder = one.isShared ? undefined : rawFolderOf(storage, purge, one);
    if (folder === undefined) {
      await recordProgress(pool, purge.id, { foldersLeft: 1, next });
      continue;
    }
    const { isCut, ...deleted } = await deleteFolder(pool, storage, purge, folder, limits.objects, () => one);
    await recordProgress(pool, purge.id, { ...deleted, ...(isCut ? {} : { next }) });
    if (isCut) return true;
  }
  return attempts.length > 0;
}

/** An ordinal behind all others: the objects are done with. After that rows go, and what they said of objects is not asked. */
const OBJECTS_DONE = { ordinal: 2 ** 31 - 1, attempt: 0 };

/** The folders that are the run's alone. True: a round's worth was deleted, and there may be more. */
async function purgeFolders({ pool, storage, limits }: PurgeResources, purge: OpenPurge): Promise<boolean> {
  if (purge.nextOrdinal === OBJECTS_DONE.ordinal) return false;
  const cached = await readCachedAttempts(pool, purge.runId);
  const places = new Map<string, (typeof cached)[number]>(
    cached.map((one) => [`${one.actionName}/${one.attempt}`, one]),
  );
  const attemptOf = ([action = "", attempt = ""]: readonly string[]) => places.get(`${action}/${attempt}`);
  for (const folder of foldersOfRun(storage, purge)) {
    const { isCut, ...deleted } = await deleteFolder(pool, storage, purge, folder, limits.objects, attemptOf);
    await recordProgress(pool, purge.id, deleted);
    if (isCut) return true;
  }
  await recordProgress(pool, purge.id, { next: OBJECTS_DONE });
  return false;
}

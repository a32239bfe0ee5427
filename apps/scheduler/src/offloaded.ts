import { liesUnder } from "./check-reports.ts";
import { isMissing, type ObjectStore, type ValueOwner } from "./values.ts";

/** A literal that is looked into is held in memory; tasks can read larger ones themselves. */
const BYTES_MAX = 64 * 1024 * 1024;

/**
 * A literal that a task left in the store because it is large; undefined where there is none that this run may read. User
 * code wrote the place, so it must be one that tasks of the run's own tenant write to.
 */
export async function readOffloaded(
  storage: ObjectStore,
  { project, domain }: ValueOwner,
  uri: string,
): Promise<Uint8Array | undefined> {
  if (!liesUnder(storage.join("meta", project, domain), uri)) return undefined;
  try {
    const sizeBytes = (await storage.head(uri))?.sizeBytes ?? 0;
    return sizeBytes === 0 || sizeBytes > BYTES_MAX ? undefined : await storage.get(uri);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

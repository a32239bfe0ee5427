import type { ClaimGrant, StoreCredentials } from "@skein/contracts";
import type { CredentialScoper, Storage } from "@skein/storage";
import { tenantRawRoot } from "./raw-output.ts";

/** What of a grant says where the attempt reads and writes. */
export type GrantPlaces = Pick<
  ClaimGrant,
  | "project"
  | "domain"
  | "runName"
  | "actionName"
  | "outputPrefix"
  | "rawOutputPrefix"
  | "previousCheckpointPrefix"
  | "timeoutMs"
>;

/** Credentials that reach what one attempt needs. */
export type MakeStoreCredentials = (
  places: GrantPlaces,
  /** Where the task's code lies: that of the project it was registered in. */
  task: { readonly project: string; readonly domain: string },
) => Promise<StoreCredentials>;

/** For pulling an image, waiting for a node, and moving data after the task. */
const BEYOND_TIMEOUT_SECONDS = 1_800;

/**
 * Reads the project's data, writes the attempt's own places (law 6: nothing of the server reaches user code).
 * `readable` is what the operator opens to every task.
 */
export function createStoreCredentials(
  scoper: CredentialScoper,
  storage: Pick<Storage, "join">,
  readable: readonly string[],
): MakeStoreCredentials {
  return async (places, task) => {
    const { project, domain, runName, actionName, outputPrefix, rawOutputPrefix, previousCheckpointPrefix } = places;
    const rights = {
      read: [
        storage.join("meta", project, domain),
        tenantRawRoot(storage, places),
        storage.join("uploads", project, domain),
        storage.join("uploads", task.project, task.domain),
        rawOutputPrefix,
        ...(previousCheckpointPrefix === null ? [] : [previousCheckpointPrefix]),
        ...readable,
      ],
      write: [outputPrefix, rawOutputPrefix],
    };
    const name = `skein-${runName}-${actionName}`;
    if (places.timeoutMs === 0) return await scoper.scope(name, rights);
    return await scoper.scope(name, rights, Math.ceil(places.timeoutMs / 1_000) + BEYOND_TIMEOUT_SECONDS);
  };
}

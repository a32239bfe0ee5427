import type { AttemptId } from "@skein/contracts";
import { type ClaimedAttempt, type OpenDb, readSharedInputs } from "@skein/db";
import { invariant } from "@skein/errors";
import type { Storage } from "@skein/storage";
import { lruCache } from "../registry/lru-cache.ts";

/** Puts large inputs that many items share into the object store, once, and answers where. */
export type ShareInputs = (id: AttemptId, claimed: ClaimedAttempt) => Promise<string>;

const REMEMBERED_MAX = 1_000;

export function createShareInputs(pool: OpenDb["pool"], storage: Pick<Storage, "join" | "put">): ShareInputs {
  const shared = lruCache<Promise<string>>(REMEMBERED_MAX);
  return ({ runId }, { project, domain, runName, inputsOrdinal }) => {
    invariant(inputsOrdinal !== null, `an attempt of run ${runId} shares no inputs`);
    const key = `${runId}/${inputsOrdinal}`;
    const known = shared.get(key);
    if (known) return known;
    const storing = (async () => {
      const bytes = await readSharedInputs(pool, runId, inputsOrdinal);
      invariant(bytes, `action ${inputsOrdinal} of run ${runId} has inputs`);
      const uri = storage.join("meta", project, domain, runName, "shared-inputs", `${inputsOrdinal}.pb`);
      await storage.put(uri, bytes);
      return uri;
    })();
    shared.set(key, storing);
    storing.catch(() => shared.remove(key));
    return storing;
  };
}

import {
  CHANGES_CHANNEL,
  type Db,
  evictRun,
  evictTask,
  findTenantsOfCachedRun,
  type NameId,
  type Notifier,
} from "@skein/db";
import type { Call } from "../call.ts";
import { checkText } from "../registry/identity.ts";

interface EvictionDependencies {
  readonly db: Db;
  readonly notifier: Notifier;
  /** Throws not_found for a run that does not exist. */
  getRun(call: Call, id: NameId): Promise<{ readonly id: string }>;
}

/**
 * Makes the cache forget. What runs already is not disturbed; whoever asks next computes anew. Actions whose outputs were
 * forgotten keep them, and say that they were evicted.
 */
export const evictionService = ({ db, notifier, getRun }: EvictionDependencies) => {
  const told = (count: number): number => {
    if (count > 0) notifier.notify(CHANGES_CHANNEL);
    return count;
  };
  return {
    /** What all versions of a task computed, or only those of one cache version. Answers how many entries there were. */
    async evictTask(_call: Call, task: NameId, cacheVersion: string | undefined): Promise<number> {
      for (const part of ["project", "domain", "name"] as const) checkText(part, task[part]);
      return told(await evictTask(db.$client, task, cacheVersion?.trim()));
    },

    /** What a run and its child runs computed or took from the cache. */
    async evictRun(call: Call, run: NameId): Promise<number> {
      const { id } = await getRun(call, run);
      for (const tenant of await findTenantsOfCachedRun(db.$client, id)) call.authorize("data:write", tenant);
      return told(await evictRun(db.$client, id));
    },
  };
};

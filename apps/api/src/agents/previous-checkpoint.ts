import type { AttemptId } from "@skein/contracts";
import { type CheckpointSource, type ClaimedAttempt, type OpenDb, readCheckpointSource } from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { TaskTemplate } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { checkpointPrefix, rawRootOf } from "./raw-output.ts";

/** The newest checkpoint that an attempt can go on from; null when there is none. */
export type FindCheckpoint = (id: AttemptId, claimed: ClaimedAttempt, template: TaskTemplate) => Promise<string | null>;

/** Each costs a call to the object store. */
const PLACES_MAX = 10;
const CHECKPOINT_PLACE = /prevCheckpointPrefix/i;

/** Looks at earlier attempts of the action, newest first, and then at those of the run that it recovers. */
export function createFindCheckpoint(
  pool: OpenDb["pool"],
  storage: Pick<Storage, "join" | "list" | "rootUri">,
): FindCheckpoint {
  async function* places(id: AttemptId, claimed: ClaimedAttempt): AsyncGenerator<string> {
    let source: CheckpointSource | undefined = { ...claimed, attempts: id.attempt };
    while (source) {
      // A run recovers one of its own project and domain.
      const root = rawRootOf(storage, claimed, source.runSpec);
      for (let attempt = source.attempts - 1; attempt >= 0; attempt -= 1) yield checkpointPrefix(root, source, attempt);
      source = source.reference ? await readCheckpointSource(pool, source.reference) : undefined;
    }
  }

  /** A place outside of our storage cannot be looked at, so it is taken as it is. */
  const holdsSomething = async (prefix: string): Promise<boolean> => {
    if (!prefix.startsWith(`${storage.rootUri}/`)) return true;
    try {
      for await (const _ of storage.list(prefix)) return true;
      return false;
    } catch (error) {
      if (error instanceof SkeinError && error.code === "invalid_argument") return true;
      throw error;
    }
  };

  return async (id, claimed, template) => {
    if (!wantsCheckpoint(template)) return null;
    let looked = 0;
    for await (const place of places(id, claimed)) {
      if (await holdsSomething(place)) return place;
      looked += 1;
      if (looked === PLACES_MAX) return null;
    }
    return null;
  };
}

function wantsCheckpoint({ target }: TaskTemplate): boolean {
  if (target.case !== "container") return true;
  return [...target.value.command, ...target.value.args].some((word) => CHECKPOINT_PLACE.test(word));
}

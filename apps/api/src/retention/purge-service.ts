import { CHANGES_CHANNEL, type Db, EVENTS_CHANNEL, type NameId, type Notifier } from "@skein/db";
import {
  listPurges,
  PURGED_AT_ONCE_MAX,
  type PurgeList,
  type PurgeOutcome,
  type PurgeRow,
  requestPurge,
} from "@skein/db/retention";
import { SkeinError } from "@skein/errors";
import type { Call } from "../call.ts";
import { storableText } from "../registry/identity.ts";

interface PurgeDependencies {
  readonly db: Db;
  readonly notifier: Notifier;
  /** Throws not_found for a run that does not exist. */
  getRun(call: Call, id: NameId): Promise<{ readonly id: string }>;
}

/** Deleting runs: the wish is recorded here, and carried out by the scheduler. */
export const purgeService = ({ db, notifier, getRun }: PurgeDependencies) => ({
  /**
   * Deletes a run that is over, with `withChildren` also those that it started. Nobody finds them from now on; answers
   * their names. Throws failed_precondition while somebody needs one of them.
   */
  async delete(call: Call, id: NameId, withChildren: boolean): Promise<readonly NameId[]> {
    const run = await getRun(call, id);
    const requestedBy = storableText(call.caller.subject);
    const outcome = await requestPurge(db.$client, { runId: run.id, withChildren, requestedBy, isRetention: false });
    if (outcome.type !== "requested") throw refusal(id, outcome);
    notifier.notify(EVENTS_CHANNEL);
    notifier.notify(CHANGES_CHANNEL);
    return outcome.runs;
  },

  /** What was deleted in a project, and what waits to be: the last ones first. */
  list: (_call: Call, list: PurgeList): Promise<PurgeRow[]> => listPurges(db.$client, list),
});

function refusal(id: NameId, outcome: Exclude<PurgeOutcome, { readonly type: "requested" }>): SkeinError {
  const details = { ...id };
  switch (outcome.type) {
    case "unfinished": {
      const { name } = outcome.by;
      const what = name === id.name ? "it" : `run ${name}, which started it or which it started,`;
      const message = `Run ${id.name} cannot be deleted: ${what} is not over. Wait for the end, or abort it first.`;
      return new SkeinError("failed_precondition", "run_not_over", message, { details });
    }
    case "needed": {
      const message = `Run ${id.name} cannot be deleted: run ${outcome.by.name} takes its values from it and is not over.`;
      return new SkeinError("failed_precondition", "run_needed", message, { details });
    }
    case "tooMany": {
      const message = `Run ${id.name} started more than ${PURGED_AT_ONCE_MAX} runs: delete some of them first, each with its own.`;
      return new SkeinError("failed_precondition", "runs_too_many", message, { details });
    }
    case "gone":
      return new SkeinError("not_found", "run_not_found", `Run ${id.name} is deleted already.`, { details });
    default:
      return outcome satisfies never;
  }
}

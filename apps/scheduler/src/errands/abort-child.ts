import { abortChildRuns, readChildRuns } from "@skein/db";
import type { CarryOut, Errand, ErrandOutcome, ErrandTools } from "./errand.ts";
import { parentOf } from "./launch-child-start.ts";

const keyOf = ({ runId, ordinal, attempt }: ReturnType<typeof parentOf>): string => `${runId}/${ordinal}/${attempt}`;

/**
 * Asks child runs to abort. The action hears of the end from its child. One that has none hears so at once: none can come
 * to be any more, because only an action that runs is given a child, and this errand was made by the commit that ended
 * that.
 */
export const abortChild =
  ({ pool, onEvents }: ErrandTools): CarryOut =>
  async (errands) => {
    const atMs = Date.now();
    await abortChildRuns(
      pool,
      errands.map((errand) => ({ ...parentOf(errand), cause: causeOf(errand) })),
      atMs,
    );
    onEvents();
    const children = await readChildRuns(pool, errands.map(parentOf));
    const launched = new Set(children.map(({ parent }) => keyOf(parent)));
    return errands.map((errand) =>
      launched.has(keyOf(parentOf(errand))) ? { type: "done" } : withoutChild(errand, atMs),
    );
  };

const causeOf = ({ run, action }: Errand): string =>
  `parent aborted: run ${run.project}/${run.domain}/${run.name} ended its action ${action.name}`;

const withoutChild = ({ ordinal, attempt }: Errand, atMs: number): ErrandOutcome => ({
  type: "told",
  event: { type: "childEnded", ordinal, attempt, atMs, phase: "aborted", failure: null },
});

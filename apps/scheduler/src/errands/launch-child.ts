import { readChildRuns, readParentRuns } from "@skein/db";
import { invariant } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import type { CarryOut, Errand, ErrandOutcome, ErrandTools } from "./errand.ts";
import { readReferences } from "./launch-child-references.ts";
import { childStarter, type Parent, parentOf } from "./launch-child-start.ts";

/** Inserts at once; half of the scheduler's connections. */
const STARTS_AT_ONCE = 5;

const placeKey = (runId: string, ordinal: number): string => `${runId}/${ordinal}`;

/**
 * Starts the runs of launch plans' actions. An action that does not wait for its child any more gets none, and one that
 * has it already keeps it: both are decided by the statement that inserts the child, so a crash, another scheduler or an
 * abort in between leave neither two children nor one without a parent.
 */
export function launchChild(tools: ErrandTools): CarryOut {
  const { pool, onEvents } = tools;
  const startOne = childStarter(tools);
  return async (errands) => {
    const children = await readChildRuns(pool, errands.map(parentOf));
    const launched = new Set(children.map(({ parent }) => placeKey(parent.runId, parent.ordinal)));
    const missing = errands.filter(({ run, ordinal }) => !launched.has(placeKey(run.runId, ordinal)));
    if (missing.length === 0) return errands.map(() => ({ type: "done" }));
    const [parents, references] = await Promise.all([readParents(tools, missing), readReferences(tools, missing)]);
    const outcomes = new Map<Errand, ErrandOutcome>();
    try {
      for (let at = 0; at < missing.length; at += STARTS_AT_ONCE) {
        const page = missing.slice(at, at + STARTS_AT_ONCE);
        const inputs = await tools.values.load(page.map(inputsOf));
        const starts = page.map(async (errand, index) => {
          const parent = parents.get(errand.run.runId);
          const bytes = inputs[index];
          invariant(parent && bytes, `run ${errand.run.runId} has the inputs of its action ${errand.action.name}`);
          outcomes.set(errand, await startOne({ errand, parent, inputs: bytes, reference: references.get(errand) }));
        });
        await Promise.all(starts);
      }
    } finally {
      // Those that were started before one could not be go on at once.
      onEvents();
    }
    return errands.map((errand) => outcomes.get(errand) ?? { type: "done" });
  };
}

const inputsOf = ({ run, ordinal, action }: Errand) =>
  ({ runId: run.runId, ordinal: action.inputsOrdinal ?? ordinal, side: "inputs" }) as const;

async function readParents({ pool }: ErrandTools, errands: readonly Errand[]): Promise<Map<string, Parent>> {
  const runIds = [...new Set(errands.map(({ run }) => run.runId))];
  const rows = runIds.length === 0 ? [] : await readParentRuns(pool, runIds);
  return new Map(
    rows.map(({ runId, principal, spec }) => [runId, { principal, spec: fromBytes(ExecutionSpecSchema, spec) }]),
  );
}

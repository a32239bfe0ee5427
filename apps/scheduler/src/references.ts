import { type ReferenceRow, readExpansions, readRunToRecover } from "@skein/db";
import type { Reference } from "@skein/engine";
import { invariant } from "@skein/errors";
import type { Pool } from "./database.ts";
import type { Programs } from "./programs.ts";
import { actionsToRepeat, type ReferenceRun } from "./repeat-from.ts";

/** What the run that `runId` recovers has done; null when that is not known any more. */
export async function loadReference(pool: Pool, programs: Programs, runId: string): Promise<Reference | null> {
  const found = await readRunToRecover(pool, runId);
  if (!found) return null;
  const program = (await programs.load([found.workflowId])).get(found.workflowId);
  invariant(program, "the run that is recovered has a workflow");
  const actions = new Map(found.actions.map((action) => [action.ordinal, action]));
  const around = ancestorsOf(actions, new Set(found.rerunFrom));
  const expanded = found.actions.filter(
    ({ ordinal, isExpanded, phase }) => isExpanded && (phase !== "succeeded" || around.has(ordinal)),
  );
  const rows = await readExpansions(
    pool,
    expanded.map(({ ordinal }) => ({ runId: found.runId, ordinal })),
  );
  return toReference({ program, actions, expansions: await programs.ofExpansions(rows) }, found.rerunFrom);
}

/** The actions that those of the names are a part of. */
function ancestorsOf(actions: ReadonlyMap<number, ReferenceRow>, names: ReadonlySet<string>): Set<number> {
  const found = new Set<number>();
  for (const { name, parentOrdinal } of actions.values()) {
    if (!names.has(name)) continue;
    for (let at = parentOrdinal; at !== null; at = actions.get(at)?.parentOrdinal ?? null) found.add(at);
  }
  return found;
}

/** What a run has done, by place, without what is to be done anew from the actions of the names on. */
export function toReference(run: ReferenceRun, rerunFrom: readonly string[]): Reference {
  const { repeated, reopened } = actionsToRepeat(run, rerunFrom);
  const byPlace = new Map<string, ReferenceRow>();
  for (const action of run.actions.values()) {
    if (!repeated.has(action.ordinal)) byPlace.set(placeOf(action.parentOrdinal, action.specNodeId), action);
  }
  return {
    find: (parentOrdinal, specNodeId) => {
      const action = byPlace.get(placeOf(parentOrdinal, specNodeId));
      if (!action) return undefined;
      // Something below it is done anew, so it is not over, whatever it was.
      return { ordinal: action.ordinal, phase: reopened.has(action.ordinal) ? "running" : action.phase };
    },
    expansionOf: (ordinal) => run.expansions.get(ordinal),
  };
}

const placeOf = (parentOrdinal: number | null, specNodeId: string): string => `${parentOrdinal ?? ""}/${specNodeId}`;

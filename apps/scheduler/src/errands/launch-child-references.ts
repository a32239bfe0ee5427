import { type ReferenceChild, readReferenceChildren } from "@skein/db";
import { isTerminalRun } from "@skein/engine";
import type { LaunchTarget } from "@skein/launch";
import type { Errand, ErrandTools } from "./errand.ts";

const placeKey = (runId: string, ordinal: number): string => `${runId}/${ordinal}`;

/** The children that can be recovered: those of the same actions in the runs that the parents recover. */
export async function readReferences(
  { pool }: ErrandTools,
  errands: readonly Errand[],
): Promise<Map<Errand, ReferenceChild>> {
  const places = errands.flatMap((errand) => {
    const { run, action } = errand;
    if (run.referenceRunId === null || action.referenceOrdinal === null) return [];
    return [{ errand, runId: run.referenceRunId, ordinal: action.referenceOrdinal }];
  });
  const children = places.length === 0 ? [] : await readReferenceChildren(pool, places);
  const byPlace = new Map(children.map((child) => [placeKey(child.parentRunId, child.parentOrdinal), child]));
  return new Map(
    places.flatMap(({ errand, runId, ordinal }) => {
      const child = byPlace.get(placeKey(runId, ordinal));
      return child && isTerminalRun(child.phase) ? [[errand, child] as const] : [];
    }),
  );
}

/**
 * Whether a child would do what that one did: start the same launch plan with the same inputs. They differ where what
 * comes before it was done anew and came to something else.
 */
export async function isSameChild(
  { storage }: ErrandTools,
  { launchPlanId, data, uri }: ReferenceChild,
  target: LaunchTarget,
  inputs: Uint8Array,
): Promise<boolean> {
  if (launchPlanId === null || Number(launchPlanId) !== target.launchPlanId) return false;
  const before = data ?? (uri === null ? undefined : await storage.get(uri));
  return before !== undefined && Buffer.compare(before, inputs) === 0;
}

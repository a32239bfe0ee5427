import { type ReferenceChild, readReferenceChildren } from "@skein/db";
import { isTerminalRun } from "@skein/engine";
import { toBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type { LaunchTarget } from "@skein/launch";
import { isMissing } from "../values.ts";
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
 * comes before it was done anew and came to something else. What the store has lost is not the same.
 */
export async function isSameChild(
  { storage }: ErrandTools,
  { launchPlanId, data, uri }: ReferenceChild,
  target: LaunchTarget,
  given: LiteralMap,
): Promise<boolean> {
  if (launchPlanId === null || Number(launchPlanId) !== target.launchPlanId) return false;
  try {
    const before = data ?? (await storage.get(uri ?? ""));
    // Rows hold what our encoder makes of the inputs, in whatever order of fields they came.
    return Buffer.compare(before, toBytes(LiteralMapSchema, given)) === 0;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

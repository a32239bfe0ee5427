import { at } from "./at.ts";
import type { ActionKind, ActionState } from "./changes.ts";
import { type Frame, isInItem, mayRun } from "./frame.ts";
import type { ActionRecord, RunState } from "./state.ts";

/**
 * What counts in `maxParallelism`, as in Flyte (`IsMaxParallelismAchieved` in flytepropeller's nodes/executor.go): tasks,
 * maps and child runs. A map counts once, and what it is made of does not: it has a limit of its own. A task that wrote a
 * workflow counts no more, but what it wrote does. A back-off counts.
 */
const COUNTED: ReadonlySet<ActionKind> = new Set(["task", "array", "launch_plan"]);

/** Whether an action of this kind takes a place of those that the run has. */
export const needsPlace = ({ limits }: RunState, frame: Frame, kind: ActionKind): boolean =>
  limits.maxParallelism > 0 && COUNTED.has(kind) && frame.kind !== "array" && !isInItem(frame);

/** Whether whoever needs a place must wait: none is free, or others have waited longer. */
export const mustWait = (run: RunState): boolean => !hasPlace(run) || run.admittedUpTo < run.waiting.length;

const hasPlace = ({ limits, placesTaken }: RunState): boolean => placesTaken < limits.maxParallelism;

/** Gives an action a place. */
export function takePlace(run: RunState, action: ActionRecord): void {
  action.hasPlace = true;
  run.placesTaken += 1;
}

/** Takes an action's place from it, if it has one. */
export function leavePlace(run: RunState, action: ActionRecord): void {
  if (!action.hasPlace) return;
  action.hasPlace = false;
  run.placesTaken -= 1;
}

/** Lets a new action wait for a place instead of the one that it was given. */
export function getInLine(run: RunState, action: ActionRecord): void {
  leavePlace(run, action);
  run.waiting.push(action);
}

/** Whether somebody waits for a place and there is one. */
export const canAdmit = (run: RunState): boolean => run.admittedUpTo < run.waiting.length && hasPlace(run);

/** Gives free places to those that have waited longest. Who is ending meanwhile is passed over. */
export function admit(run: RunState): void {
  while (canAdmit(run)) {
    const action = at(run.waiting, run.admittedUpTo);
    run.admittedUpTo += 1;
    if (action.endedAtMs !== null || !mayRun(action.frame, action.node)) continue;
    takePlace(run, action);
    action.frame.readyCount += 1;
    run.ready.push({ frame: action.frame, node: action.node, item: null, action });
  }
}

/**
 * Whether an action waits because as many of its run are under way as may be. It tells so by its row: its turn has come,
 * but it has neither begun nor been looked up in the cache.
 */
export const waitsForPlace = ({
  kind,
  phase,
  attempts,
  cacheStatus,
}: Pick<ActionState, "phase" | "attempts" | "cacheStatus"> & { readonly kind: ActionKind }): boolean =>
  COUNTED.has(kind) && phase === "queued" && attempts === 0 && cacheStatus === "disabled";

import { expect } from "vitest";
import type { ActionState, AttemptState, Changes, NewAction } from "../src/changes.ts";
import type { Frame } from "../src/frame.ts";
import {
  ACTION_TRANSITIONS,
  ATTEMPT_TRANSITIONS,
  isTerminalAction,
  isTerminalAttempt,
  isTerminalRun,
  RUN_TRANSITIONS,
} from "../src/phase.ts";
import type { RunState } from "../src/state.ts";
import type { Stage } from "./stage.ts";

/** The rows before a commit, to compare with those after it. */
export const snapshot = (stage: Stage) => ({
  run: stage.runRow,
  actions: new Map(stage.actions),
  attempts: new Map(stage.attempts),
});
export type Snapshot = ReturnType<typeof snapshot>;

/** Whether `to` can be reached from `from`: a commit may merge several steps into one. */
function isReachable<Phase extends string>(table: Record<Phase, readonly Phase[]>, from: Phase, to: Phase): boolean {
  const seen = new Set([from]);
  for (const phase of seen) for (const next of table[phase]) seen.add(next);
  return seen.has(to);
}

/** A plain comparison, because there are millions of them and `expect` costs a hundred times as much. */
function law(holds: boolean, words: string, broken: unknown): void {
  if (!holds) throw new Error(`${words}, but not here: ${JSON.stringify(broken)}`);
}

/** What must hold after every commit. */
export function checkLaws(stage: Stage, before: Snapshot, changes: Changes): void {
  const { runRow: run, actions, attempts } = stage;
  law(isReachable(RUN_TRANSITIONS, before.run.phase, run.phase), "a run's step is allowed", { from: before.run, run });
  law((run.endedAtMs !== null) === isTerminalRun(run.phase), "a run ended iff terminal", run);
  const liveAttempts = new Map<number, number>();
  for (const [key, attempt] of attempts) {
    checkAttempt(attempt, before.attempts.get(key));
    if (attempt.endedAtMs === null) liveAttempts.set(attempt.ordinal, (liveAttempts.get(attempt.ordinal) ?? 0) + 1);
  }
  for (const [ordinal, count] of liveAttempts) law(count === 1, "an action has at most one live attempt", ordinal);
  for (const action of actions.values())
    checkAction(stage, action, before.actions.get(action.ordinal), liveAttempts.get(action.ordinal) ?? 0);
  const isEnding = before.run.phase === "failing" || before.run.phase === "aborting" || before.run.endedAtMs !== null;
  for (const attempt of isEnding ? changes.attempts : []) {
    law(attempt.phase !== "succeeded", "an attempt brings nothing after the end began", attempt);
    law(!attempt.isNew, "no attempt is made after the end began", attempt);
  }
  if (isEnding) law(changes.newActions.length === 0, "no action is made after the end began", changes.newActions);
  const names = [...actions.values()].map(({ name }) => name);
  law(new Set(names).size === names.length, "names are unique", names);
}

function checkAttempt(attempt: AttemptState, old: AttemptState | undefined): void {
  const { phase, endedAtMs } = attempt;
  law((endedAtMs !== null) === isTerminalAttempt(phase), "an attempt ended iff terminal", attempt);
  law(phase !== "failed" || attempt.failure !== null, "a failed attempt says why", attempt);
  if (!old || attempt === old) return;
  if (isTerminalAttempt(old.phase)) expect(attempt, "an attempt has no second outcome").toEqual(old);
  law(isReachable(ATTEMPT_TRANSITIONS, old.phase, phase), "an attempt's step is allowed", { from: old, attempt });
}

type Action = ActionState & NewAction;

function checkAction(stage: Stage, action: Action, old: Action | undefined, liveAttempts: number): void {
  const { ordinal, phase, attempts, userFailures, systemFailures } = action;
  const isTerminal = isTerminalAction(phase);
  const parent = action.parentOrdinal === null ? stage.runRow : stage.actions.get(action.parentOrdinal);
  law((action.endedAtMs !== null) === isTerminal, "an action ended iff terminal", action);
  law(parent?.endedAtMs == null || isTerminal, "a terminal parent has terminal children", action);
  law(parent?.phase !== "succeeded" || phase === "succeeded", "a succeeded parent's children succeeded", action);
  law(!isTerminal || liveAttempts === 0, "a terminal action has no live attempt", action);
  law((phase !== "failed" && phase !== "failing") || action.failure !== null, "a failed action says why", action);
  const retries = stage.run.actions.get(ordinal)?.node.retries ?? 0;
  law(userFailures <= retries + 1, "user failures stay within the budget", action);
  law(systemFailures <= stage.policy.systemRetriesMax + 1, "system failures stay within the budget", action);
  law(attempts <= userFailures + systemFailures + 1, "each attempt but one is a failure", action);
  if (!old || action === old) return;
  if (isTerminalAction(old.phase)) expect(action, "an action stays as it ended").toEqual(old);
  law(isReachable(ACTION_TRANSITIONS, old.phase, phase), "an action's step is allowed", { from: old, action });
}

function frameDump(frame: Frame) {
  const base = {
    kind: frame.kind,
    owner: frame.owner?.ordinal ?? null,
    live: [...frame.live].sort(),
    stage: frame.stage,
  };
  if (frame.kind === "branch") return base;
  if (frame.kind === "array") {
    const { size, next, successes, failures, isGathering } = frame;
    return { ...base, size, next, successes, failures, isGathering };
  }
  return {
    ...base,
    waitingFor: [...frame.waitingFor],
    ordinals: [...frame.ordinals],
    failedAction: frame.failedAction?.ordinal ?? null,
  };
}

/** All of a run's state that decides what happens next, in a form that can be compared. */
export function dump(run: RunState) {
  const { actions, ready, toFill, toEnd, endedUpTo, root, names, nowMs: _, expansions, reference, ...own } = run;
  const isOver = isTerminalRun(run.phase);
  const known = [...actions.values()].sort((a, b) => a.ordinal - b.ordinal);
  const frames = [root, ...known.map(({ inner }) => inner)].filter((frame) => frame !== null && !isOver);
  return {
    ...own,
    isReferring: reference !== null,
    expansions: [...expansions.keys()].sort((a, b) => a - b),
    names: [...names].sort(),
    actions: known.map(({ node, frame, inner, current, ...action }) => ({
      ...action,
      nodeId: node.id,
      in: frame.owner?.ordinal ?? null,
      isOpen: inner !== null,
      current: current?.endedAtMs === null ? current : null,
    })),
    frames: (frames as Frame[]).map(frameDump),
    ready: ready.map(({ frame, node, item }) => `${frame.owner?.ordinal}.${node.id}.${item}`),
    toFill: Array.from(toFill, ({ owner }) => owner.ordinal).sort((a, b) => a - b),
    toEnd: toEnd
      .slice(endedUpTo)
      .filter(({ phase, endedAtMs }) => endedAtMs === null && phase !== "aborting" && phase !== "failing")
      .map(({ ordinal }) => ordinal)
      .sort((a, b) => a - b),
  };
}

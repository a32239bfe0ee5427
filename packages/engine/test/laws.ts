import { expect } from "vitest";
import type { ActionState, Changes } from "../src/changes.ts";
import {
  ACTION_TRANSITIONS,
  ATTEMPT_TRANSITIONS,
  isTerminalAction,
  isTerminalAttempt,
  isTerminalRun,
  RUN_TRANSITIONS,
} from "../src/phase.ts";
import type { Frame, RunState } from "../src/state.ts";
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

/** What must hold after every commit. */
export function checkLaws(stage: Stage, before: Snapshot, changes: Changes): void {
  const { runRow: run, actions, attempts } = stage;
  expect(isReachable(RUN_TRANSITIONS, before.run.phase, run.phase), "the run's step is allowed").toBe(true);
  expect(run.endedAtMs !== null, "a run ended iff terminal").toBe(isTerminalRun(run.phase));
  const liveAttempts = new Map<number, number>();
  for (const [key, attempt] of attempts) {
    const old = before.attempts.get(key);
    if (old && isTerminalAttempt(old.phase)) expect(attempt, `no second outcome of ${key}`).toEqual(old);
    if (old) expect(isReachable(ATTEMPT_TRANSITIONS, old.phase, attempt.phase)).toBe(true);
    expect(attempt.endedAtMs !== null, `attempt ${key} ended iff terminal`).toBe(isTerminalAttempt(attempt.phase));
    if (attempt.phase === "failed") expect(attempt.failure).not.toBeNull();
    if (attempt.endedAtMs === null) liveAttempts.set(attempt.ordinal, (liveAttempts.get(attempt.ordinal) ?? 0) + 1);
  }
  for (const count of liveAttempts.values()) expect(count, "at most one live attempt").toBe(1);
  for (const action of actions.values()) {
    const old = before.actions.get(action.ordinal);
    if (old && isTerminalAction(old.phase)) expect(action, `action ${action.name} stays as it ended`).toEqual(old);
    if (old) expect(isReachable(ACTION_TRANSITIONS, old.phase, action.phase)).toBe(true);
    checkAction(stage, action, liveAttempts.get(action.ordinal) ?? 0);
  }
  const isEnding = before.run.phase === "failing" || before.run.phase === "aborting" || before.run.endedAtMs !== null;
  for (const { ordinal, attempt, phase } of isEnding ? changes.attempts : [])
    expect(phase, `${ordinal}.${attempt} brings nothing after the end began`).not.toBe("succeeded");
  if (isEnding) expect(changes.newActions.length + changes.attempts.filter(({ isNew }) => isNew).length).toBe(0);
  expect(new Set([...actions.values()].map(({ name }) => name)).size, "names are unique").toBe(actions.size);
}

function checkAction(stage: Stage, action: ActionState & { parentOrdinal: number | null }, liveAttempts: number): void {
  const { ordinal, phase, attempts, userFailures, systemFailures } = action;
  const record = stage.run.actions[ordinal];
  const parent = action.parentOrdinal === null ? stage.runRow : stage.actions.get(action.parentOrdinal);
  expect(action.endedAtMs !== null, "an action ended iff terminal").toBe(isTerminalAction(phase));
  if (parent?.endedAtMs != null) expect(isTerminalAction(phase), "a terminal parent has terminal children").toBe(true);
  if (parent?.phase === "succeeded") expect(phase).toBe("succeeded");
  if (isTerminalAction(phase)) expect(liveAttempts, "a terminal action has no live attempt").toBe(0);
  if (phase === "failed" || phase === "failing") expect(action.failure).not.toBeNull();
  expect(userFailures, "user failures stay within the budget").toBeLessThanOrEqual((record?.node.retries ?? 0) + 1);
  expect(systemFailures).toBeLessThanOrEqual(stage.policy.systemRetriesMax + 1);
  expect(attempts).toBeLessThanOrEqual(userFailures + systemFailures + 1);
}

const frameDump = (frame: Frame) => ({
  owner: frame.owner?.ordinal ?? null,
  waitingFor: [...frame.waitingFor],
  ordinals: [...frame.ordinals],
  live: [...frame.live],
  isEnding: frame.isEnding,
  failedAction: frame.isEnding ? null : (frame.failedAction?.ordinal ?? null),
});

/** All of a run's state that decides what happens next, in a form that can be compared. */
export function dump(run: RunState) {
  const { actions, ready, toEnd, endedUpTo, root, names, nowMs: _, ...own } = run;
  const isOver = isTerminalRun(run.phase);
  const frames = [root, ...actions.map(({ inner }) => inner)].filter((frame) => frame !== null && !isOver);
  return {
    ...own,
    names: [...names].sort(),
    actions: actions.map(({ node, frame, inner, current, ...action }) => ({
      ...action,
      nodeId: node.id,
      in: frame.owner?.ordinal ?? null,
      isOpen: inner !== null,
      current: current?.endedAtMs === null ? current : null,
    })),
    frames: (frames as Frame[]).map(frameDump),
    ready: ready.map(({ frame, node }) => `${frame.owner?.ordinal}.${node.id}`),
    toEnd: toEnd
      .slice(endedUpTo)
      .filter(({ phase, endedAtMs }) => endedAtMs === null && phase !== "aborting" && phase !== "failing")
      .map(({ ordinal }) => ordinal)
      .sort((a, b) => a - b),
  };
}

import { expect } from "vitest";
import type { ActionState, AttemptState, Changes, NewAction } from "../src/changes.ts";
import { type Frame, isClosed, mayRun } from "../src/frame.ts";
import { successesNeeded } from "../src/kinds/array-items.ts";
import { waitsForPlace } from "../src/parallelism.ts";
import {
  ACTION_TRANSITIONS,
  ATTEMPT_TRANSITIONS,
  isTerminalAction,
  isTerminalAttempt,
  isTerminalRun,
  RUN_TRANSITIONS,
} from "../src/phase.ts";
import type { RunState } from "../src/state.ts";
import { attemptKey } from "./agents.ts";
import { GATHERING_FAILED } from "./errands.ts";
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
  for (const attempt of changes.attempts) {
    if (mayGoOn(stage, before, attempt.ordinal)) continue;
    law(attempt.phase !== "succeeded", "an attempt brings nothing after the end around it began", attempt);
    law(!attempt.isNew, "no attempt is made after the end around it began", attempt);
  }
  for (const action of changes.newActions)
    law(mayGoOn(stage, before, action.ordinal), "no action is made after the end around it began", action);
  for (const command of changes.commands)
    if (command.type === "dispatchAttempt")
      law(attempts.get(attemptKey(command))?.phase === "queued", "what is dispatched is queued", command);
  for (const { ordinal, phase } of changes.actions) {
    const isNews = phase === "succeeded" && before.actions.get(ordinal)?.phase !== "succeeded";
    law(!isNews || mayGoOn(stage, before, ordinal), "nothing succeeds after the end around it began", ordinal);
  }
  checkMaps(stage);
  checkParallelism(stage);
  const names = [...actions.values()].map(({ name }) => name);
  law(new Set(names).size === names.length, "names are unique", names);
}

/** Whether nothing around an action was ending before the commit, but for workflows whose failure node it belongs to. */
function mayGoOn({ actions }: Stage, before: Snapshot, ordinal: number): boolean {
  for (let child = actions.get(ordinal); child; child = actions.get(child.parentOrdinal ?? -1)) {
    const around = child.parentOrdinal === null ? before.run : before.actions.get(child.parentOrdinal);
    if (around?.phase === "failing" ? child.specNodeId !== HANDLER_ID : isClosing(around?.phase)) return false;
  }
  return true;
}

const HANDLER_ID = "fn";

const isClosing = (phase: string | undefined): boolean =>
  phase === "aborting" || phase === "aborted" || phase === "failed" || phase === "succeeded";

/** How the items of a map are. */
interface Tally {
  open: number;
  succeeded: number;
  failed: number;
}

/**
 * No more items of a map are open than it, or the engine, allows; each stands at its place in the map's block; and as
 * many succeed as must, unless that has become impossible.
 */
function checkMaps(stage: Stage): void {
  const tallies = new Map<number, Tally>();
  for (const { ordinal, parentOrdinal, itemIndex, endedAtMs, phase } of stage.actions.values()) {
    if (itemIndex === null || parentOrdinal === null) continue;
    law(ordinal === parentOrdinal + 1 + itemIndex, "an item has its place in the block", { ordinal, itemIndex });
    const tally = tallies.get(parentOrdinal) ?? { open: 0, succeeded: 0, failed: 0 };
    tallies.set(parentOrdinal, tally);
    if (endedAtMs === null) tally.open += 1;
    else if (phase === "succeeded" || phase === "failed") tally[phase] += 1;
  }
  for (const map of stage.actions.values())
    if (map.itemCount !== null && !map.isRecovered)
      checkMap(stage, map, map.itemCount, tallies.get(map.ordinal) ?? { open: 0, succeeded: 0, failed: 0 });
}

/** From 1 MiB by twos to 5 MiB. */
const GROWTHS_MAX = 3;

/** As rows tell it, not more is under way than may be; and nobody waits while there is room. */
function checkParallelism({ actions, runRow, run: { limits } }: Stage): void {
  const most = limits.maxParallelism;
  let underWay = 0;
  let waiting = 0;
  for (const action of actions.values()) {
    if (action.endedAtMs !== null || action.isExpanded || !COUNTED.has(action.kind)) continue;
    if (isInMap(actions, action)) continue;
    if (waitsForPlace(action)) waiting += isGoingOn(actions, runRow.phase, action) ? 1 : 0;
    else underWay += 1;
  }
  const counts = { most, underWay, waiting };
  law(most === 0 || underWay <= most, "no more is under way than the run allows", counts);
  law(waiting === 0 || (most > 0 && underWay === most), "nobody waits while there is room", counts);
}

const COUNTED: ReadonlySet<string> = new Set(["task", "array", "launch_plan"]);

function isInMap(actions: Stage["actions"], action: Action): boolean {
  for (let place: Action | undefined = action; place; place = actions.get(place.parentOrdinal ?? -1))
    if (place.itemIndex !== null) return true;
  return false;
}

/** Whether nothing around an action is ending; a failure node goes on nevertheless. */
function isGoingOn(actions: Stage["actions"], runPhase: string, action: Action): boolean {
  for (let place: Action | undefined = action; place; place = actions.get(place.parentOrdinal ?? -1)) {
    const around = place.parentOrdinal === null ? runPhase : actions.get(place.parentOrdinal)?.phase;
    if (around !== "running" && !(around === "failing" && place.specNodeId === HANDLER_ID)) return false;
  }
  return true;
}

function checkMap(stage: Stage, map: Action, size: number, { open, succeeded, failed }: Tally): void {
  const spec = stage.arrays.get(map.ordinal);
  if (!spec) return;
  law(open <= (spec.parallelism || stage.policy.mapWindow), "a map keeps to its window", map);
  const needed = Math.min(size, successesNeeded(spec, size));
  if (map.phase === "succeeded") law(succeeded >= needed, "enough items of a map succeeded", map);
  const isItemsFault = map.failure !== null && map.failure.code !== GATHERING_FAILED;
  if (isItemsFault) law(size - failed < needed, "a map fails only when too few can succeed", map);
}

/** Whether an action is, or is a part of, a failure node. */
function isHandled(actions: Stage["actions"], action: Action): boolean {
  for (let place: Action | undefined = action; place; place = actions.get(place.parentOrdinal ?? -1))
    if (place.specNodeId === HANDLER_ID) return true;
  return false;
}

/** What the recovered run had finished is not done again. */
export function checkRecovery({ actions, run }: Stage): void {
  for (const action of actions.values()) {
    const { parentOrdinal, specNodeId, kind, isRecovered, attempts, phase } = action;
    if (isRecovered) law(!isHandled(actions, action), "each failure has its own failure node", action);
    if (isRecovered) law(attempts === 0 && phase === "succeeded", "nothing recovered is tried", action);
    if (!run.reference || kind === "start" || kind === "end" || specNodeId === HANDLER_ID) continue;
    const parent = parentOrdinal === null ? null : actions.get(parentOrdinal)?.referenceOrdinal;
    const found =
      parent === undefined || (parentOrdinal !== null && parent === null)
        ? undefined
        : run.reference.find(parent, specNodeId);
    law(found?.phase !== "succeeded" || isRecovered || phase === "skipped", "what was finished is taken over", action);
  }
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

function depthOf(stage: Stage, { parentOrdinal }: Action): number {
  const parent = parentOrdinal === null ? undefined : stage.actions.get(parentOrdinal);
  return parent ? 1 + depthOf(stage, parent) : 0;
}

function checkAction(stage: Stage, action: Action, old: Action | undefined, liveAttempts: number): void {
  const { ordinal, kind, phase, attempts, userFailures, systemFailures } = action;
  const isTerminal = isTerminalAction(phase);
  const parent = action.parentOrdinal === null ? stage.runRow : stage.actions.get(action.parentOrdinal);
  law((action.endedAtMs !== null) === isTerminal, "an action ended iff terminal", action);
  law(parent?.endedAtMs == null || isTerminal, "a terminal parent has terminal children", action);
  const isEnough = phase === "succeeded" || phase === "skipped" || action.itemIndex !== null;
  law(parent?.phase !== "succeeded" || isEnough, "a succeeded parent's children succeeded", action);
  const isSilent = kind === "gate" || kind === "branch" || kind === "start" || kind === "end";
  const hasOutputs = isSilent || stage.values.has(`${ordinal}.outputs`);
  law(phase !== "succeeded" || hasOutputs, "what succeeded has outputs", action);
  law(!isTerminal || liveAttempts === 0, "a terminal action has no live attempt", action);
  law((phase !== "failed" && phase !== "failing") || action.failure !== null, "a failed action says why", action);
  const retries = stage.retries.get(ordinal) ?? 0;
  law(userFailures <= retries + 1, "user failures stay within the budget", action);
  law(systemFailures <= stage.policy.systemRetriesMax + 1, "system failures stay within the budget", action);
  const growths = Math.max(0, attempts - 1 - userFailures - systemFailures);
  law(growths <= (stage.run.limits.memoryGrowth ? GROWTHS_MAX : 0), "each attempt but one is a failure", action);
  const isTooDeep = action.isExpanded && depthOf(stage, action) >= stage.policy.nestingMax;
  law(!isTooDeep || action.failure?.code === "NestedTooDeep", "workflows nest only so deep", action);
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
    // Nobody counts any more once the map, or something around it, is ending.
    return { ...base, size, ...(isClosed(frame) ? {} : { next, successes, failures, isGathering }) };
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
  const { actions, ready, toFill, toEnd, endedUpTo, waiting, admittedUpTo, root, names, nowMs: _, ...rest } = run;
  const { expansions, reference, ...own } = rest;
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
    toFill: [...toFill]
      .filter((frame) => !isClosed(frame))
      .map(({ owner }) => owner.ordinal)
      .sort((a, b) => a - b),
    // Who is ending meanwhile waits for nothing.
    waiting: waiting
      .slice(admittedUpTo)
      .filter(({ endedAtMs, frame, node }) => endedAtMs === null && mayRun(frame, node))
      .map(({ ordinal }) => ordinal),
    toEnd: toEnd
      .slice(endedUpTo)
      .filter(({ phase, endedAtMs }) => endedAtMs === null && phase !== "aborting" && phase !== "failing")
      .map(({ ordinal }) => ordinal)
      .sort((a, b) => a - b),
  };
}

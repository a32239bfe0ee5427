import { invariant } from "@skein/errors";
import { at } from "./at.ts";
import type { ActionState, AttemptState, NewAction, RunChange } from "./changes.ts";
import { isTerminalRun } from "./phase.ts";
import type { Graph, Program } from "./program.ts";
import {
  type ActionRecord,
  type Frame,
  failedLater,
  graphOf,
  isClosed,
  newFrame,
  newRun,
  type RunState,
} from "./state.ts";

/** The rows of a run, in the words of `Changes`, which wrote them. */
export interface StoredRun {
  readonly run: RunChange;
  /** By ordinal, ascending. */
  readonly actions: readonly (NewAction & ActionState)[];
  /** The newest attempt of every action that is not over. Further ones do no harm, in ascending order. */
  readonly attempts: readonly AttemptState[];
}

/** Rebuilds a run from its rows exactly as it was in memory after the commit that wrote them. */
export function restoreRun(program: Program, stored: StoredRun): RunState {
  const run: RunState = { ...newRun(), ...stored.run };
  const frames = restoreActions(run, program, stored);
  for (const { ordinal, attempt, ...state } of stored.attempts) {
    const action = run.actions[ordinal];
    invariant(action, `attempt ${attempt} has an action ${ordinal}`);
    if (attempt === action.attempts - 1) action.current = { ordinal, attempt, ...state };
  }
  run.nowMs = latestMoment(stored);
  if (isTerminalRun(run.phase)) return run;
  for (const frame of frames) if (!isClosed(frame)) queueReady(run, frame);
  run.toEnd = run.actions.filter(({ frame, ordinal }) => frame.isEnding && frame.live.has(ordinal));
  return run;
}

function restoreActions(run: RunState, program: Program, { actions }: StoredRun): Frame[] {
  const frames: Frame[] = [];
  const open = (graph: Graph, owner: ActionRecord | null): Frame => {
    const frame = newFrame(graph, owner);
    const phase = owner?.phase ?? run.phase;
    frame.isEnding = phase === "failing" || phase === "aborting";
    frame.isOver = (owner ?? run).endedAtMs !== null;
    frames.push(frame);
    return frame;
  };
  for (const { specNodeId, taskKey: _, ...row } of actions) {
    const owner = row.parentOrdinal === null ? null : run.actions[row.parentOrdinal];
    invariant(owner !== undefined, `action ${row.ordinal} comes after its parent`);
    if (owner === null) run.root ??= open(program.root, null);
    const frame = owner === null ? run.root : owner.inner;
    const index = frame?.graph.indexOf.get(specNodeId);
    const node = index === undefined ? undefined : frame?.graph.nodes[index];
    invariant(frame && node, `action ${row.ordinal} stands for node ${specNodeId}`);
    const action: ActionRecord = { ...row, node, frame, inner: null, current: null };
    run.actions.push(action);
    run.names.add(row.name);
    placeAction(action);
    const { target } = node;
    if (target.kind === "workflow" && action.startedAtMs !== null)
      action.inner = open(graphOf(program, target.graphKey), action);
  }
  for (const action of run.actions) if (action.endedAtMs !== null) action.inner = null;
  return frames;
}

function placeAction(action: ActionRecord): void {
  const { frame, node, kind, phase } = action;
  frame.ordinals[node.index] = action.ordinal;
  if (action.endedAtMs === null && kind !== "start" && kind !== "end") frame.live.add(action.ordinal);
  if (phase === "succeeded")
    for (const index of node.downstream) frame.waitingFor[index] = at(frame.waitingFor, index) - 1;
  if (phase === "failed" && failedLater(frame.failedAction, action)) frame.failedAction = action;
}

/** Nodes whose turn has come and that have no action, or, for the end-node, one that has not been completed. */
function queueReady(run: RunState, frame: Frame): void {
  for (const node of frame.graph.nodes) {
    const isOpened = frame.ordinals[node.index] !== -1 && node.target.kind !== "end";
    if (isOpened || at(frame.waitingFor, node.index) > 0) continue;
    run.ready.push({ frame, node });
    frame.readyCount += 1;
  }
}

function latestMoment({ run, actions, attempts }: StoredRun): number {
  let latest = Math.max(run.startedAtMs ?? 0, run.endedAtMs ?? 0);
  for (const { startedAtMs, endedAtMs } of actions) latest = Math.max(latest, startedAtMs ?? 0, endedAtMs ?? 0);
  for (const { queuedAtMs, startedAtMs, endedAtMs } of attempts)
    latest = Math.max(latest, queuedAtMs, startedAtMs ?? 0, endedAtMs ?? 0);
  return latest;
}

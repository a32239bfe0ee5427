import { invariant } from "@skein/errors";
import { at } from "./at.ts";
import type { ActionState, AttemptState, NewAction, RunChange } from "./changes.ts";
import {
  type ArrayFrame,
  type Frame,
  type GraphFrame,
  isClosed,
  isInItem,
  newArrayFrame,
  newBranchFrame,
  newGraphFrame,
} from "./frame.ts";
import { windowOf } from "./kinds/array-items.ts";
import { needsPlace, takePlace, waitsForPlace } from "./parallelism.ts";
import { isTerminalRun } from "./phase.ts";
import type { GraphNode, NodeTarget, Program } from "./program.ts";
import type { Reference } from "./reference.ts";
import { DEFAULT_POLICY, type EnginePolicy } from "./retry.ts";
import type { EngineLimits } from "./run-limits.ts";
import { type ActionRecord, failedLater, graphOf, newRun, type RunState } from "./state.ts";

/** The items of a map that are over, as numbers. */
export interface StoredArray {
  /** The map's own ordinal. */
  readonly ordinal: number;
  /** Items that have begun, over or not. */
  readonly opened: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** The rows of a run, in the words of `Changes`, which wrote them. */
export interface StoredRun {
  readonly run: RunChange;
  /** By ordinal, ascending. Items of maps that are over, and what they are made of, may be left out. */
  readonly actions: readonly (NewAction & ActionState)[];
  /** The newest attempt of every action that is not over. Further ones do no harm, in ascending order. */
  readonly attempts: readonly AttemptState[];
  /** Every map that has begun. */
  readonly arrays: readonly StoredArray[];
  /** The first ordinal that is free; the items of a map take up theirs before they begin. */
  readonly nextOrdinal: number;
  /** Everything that tasks of the run wrote instead of outputs. */
  readonly expansions: ReadonlyMap<number, Program>;
  readonly reference: Reference | null;
  readonly limits: EngineLimits;
}

/** Rebuilds a run from its rows exactly as it was in memory after the commit that wrote them. */
export function restoreRun(program: Program, stored: StoredRun, policy: EnginePolicy = DEFAULT_POLICY): RunState {
  const run: RunState = {
    ...newRun(stored.reference, stored.limits),
    ...stored.run,
    nextOrdinal: stored.nextOrdinal,
    expansions: new Map(stored.expansions),
  };
  const frames = restoreActions(run, program, stored);
  for (const { ordinal, attempt, ...state } of stored.attempts) {
    const action = run.actions.get(ordinal);
    if (action && attempt === action.attempts - 1) action.current = { ordinal, attempt, ...state };
  }
  run.nowMs = latestMoment(stored);
  if (isTerminalRun(run.phase)) return run;
  for (const frame of frames) if (!isClosed(frame)) queueReady(run, frame, policy);
  const isToEnd = ({ frame, ordinal }: ActionRecord) => frame.stage === "ending" && frame.live.has(ordinal);
  run.toEnd = [...run.actions.values()].filter(isToEnd);
  return run;
}

function restoreActions(run: RunState, program: Program, stored: StoredRun): Frame[] {
  const arrays = new Map(stored.arrays.map((array) => [array.ordinal, array]));
  if (stored.actions.length > 0) run.root = withStage(newGraphFrame(program, program.root, null), run);
  const frames: Frame[] = run.root ? [run.root] : [];
  for (const { specNodeId, taskKey: _, ...row } of stored.actions) {
    const owner = row.parentOrdinal === null ? null : run.actions.get(row.parentOrdinal);
    // What a map's item that is over was made of is forgotten.
    if (owner === undefined || (row.itemIndex !== null && row.endedAtMs !== null)) continue;
    const frame = owner === null ? run.root : owner.inner;
    invariant(frame, `action ${row.ordinal} is a part of something that has begun`);
    const action: ActionRecord = {
      ...row,
      node: findNode(frame, specNodeId),
      frame,
      inner: null,
      current: null,
      hasPlace: false,
    };
    run.actions.set(row.ordinal, action);
    if (row.itemIndex === null && !isInItem(frame)) run.names.add(row.name);
    placeAction(run, action);
    restorePlace(run, action);
    action.inner = openInner(run, action, arrays);
    if (action.inner) frames.push(action.inner);
  }
  for (const action of [...run.actions.values()]) {
    if (action.endedAtMs === null) continue;
    action.inner = null;
    if (isInItem(action.frame)) run.actions.delete(action.ordinal);
  }
  return frames;
}

function findNode(frame: Frame, id: string): GraphNode {
  if (frame.kind === "array") return frame.spec.node;
  const node = frame.kind === "graph" ? findInGraph(frame, id) : findInBranch(frame.owner.node.target, id);
  invariant(node, `an action stands for the node ${id}`);
  return node;
}

function findInGraph({ graph }: GraphFrame, id: string): GraphNode | undefined {
  const index = graph.indexOf.get(id);
  if (index !== undefined) return at(graph.nodes, index);
  return graph.failureNode?.id === id ? graph.failureNode : undefined;
}

function findInBranch(target: NodeTarget, id: string): GraphNode | undefined {
  invariant(target.kind === "branch", "a branch's frame belongs to a branch");
  const { cases, otherwise } = target;
  const chosen = cases.find(({ node }) => node.id === id)?.node;
  return chosen ?? (otherwise?.type === "node" ? otherwise.node : undefined);
}

function placeAction(run: RunState, action: ActionRecord): void {
  const { frame, node, kind, phase } = action;
  if (action.endedAtMs === null && kind !== "start" && kind !== "end") frame.live.add(action.ordinal);
  if (frame.kind !== "graph") return;
  if (node.index >= 0) frame.ordinals[node.index] = action.ordinal;
  if (phase === "succeeded")
    for (const index of node.downstream) frame.waitingFor[index] = at(frame.waitingFor, index) - 1;
  if (phase === "failed" && failedLater(frame.failedAction, action)) frame.failedAction = action;
  const isHandled = node === frame.graph.failureNode && (frame.owner ?? run).phase === "failing";
  if (isHandled && action.endedAtMs === null) frame.stage = "handling";
}

function restorePlace(run: RunState, action: ActionRecord): void {
  if (action.endedAtMs !== null || action.isExpanded || !needsPlace(run, action.frame, action.kind)) return;
  if (waitsForPlace(action)) run.waiting.push(action);
  else takePlace(run, action);
}

/** What a begun action stands for. */
function openInner(run: RunState, action: ActionRecord, arrays: ReadonlyMap<number, StoredArray>): Frame | null {
  if (action.startedAtMs === null || action.isRecovered) return null;
  const { frame, node, ordinal } = action;
  const { target } = node;
  if (target.kind === "branch") return withStage(newBranchFrame(action), action);
  if (target.kind === "array") return withStage(restoreArray(action, arrays.get(ordinal)), action);
  const { program } = frame.kind === "graph" ? frame : frame.outer;
  if (target.kind === "workflow") {
    return withStage(newGraphFrame(program, graphOf(program, target.graphKey), action), action);
  }
  const written = action.isExpanded ? run.expansions.get(ordinal) : undefined;
  return written ? withStage(newGraphFrame(written, written.root, action), action) : null;
}

function restoreArray(action: ActionRecord, stored: StoredArray | undefined): ArrayFrame {
  invariant(action.itemCount !== null, `map ${action.name} has begun, so its items are counted`);
  const frame = newArrayFrame(action, action.itemCount);
  frame.next = stored?.opened ?? 0;
  frame.successes = stored?.succeeded ?? 0;
  frame.failures = stored?.failed ?? 0;
  return frame;
}

function withStage<F extends Frame>(
  frame: F,
  { phase, endedAtMs }: Pick<RunState | ActionRecord, "phase" | "endedAtMs">,
): F {
  if (endedAtMs !== null) frame.stage = "over";
  else if (phase === "failing" || phase === "aborting") frame.stage = "ending";
  return frame;
}

/** Nodes whose turn has come and that have no action, or, for the end-node, one that has not been completed. */
function queueReady(run: RunState, frame: Frame, policy: EnginePolicy): void {
  if (frame.kind === "array") {
    frame.isGathering = frame.next === frame.size && frame.live.size === 0;
    if (frame.next < frame.size && frame.live.size < windowOf(frame, policy)) run.toFill.add(frame);
  }
  if (frame.kind !== "graph") return;
  for (const node of frame.graph.nodes) {
    const isOpened = frame.ordinals[node.index] !== -1 && node.target.kind !== "end";
    if (isOpened || at(frame.waitingFor, node.index) > 0) continue;
    run.ready.push({ frame, node, item: null });
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

import { invariant } from "@skein/errors";
import { at } from "./at.ts";
import type { ActionKind } from "./changes.ts";
import type { Failure, ValueRef } from "./event.ts";
import type { ActionPhase, AttemptPhase, RunPhase } from "./phase.ts";
import type { Graph, GraphNode, Program } from "./program.ts";

/** The current attempt of an action. An attempt that is over stays here until the next one begins. */
export interface AttemptRecord {
  readonly ordinal: number;
  readonly attempt: number;
  phase: AttemptPhase;
  readonly queuedAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  /** While `aborting`: what the attempt fails with once it stopped, unless its action is being aborted. */
  failure: Failure | null;
}

/** An action as the engine holds it: phases and places, no values. */
export interface ActionRecord {
  readonly ordinal: number;
  readonly name: string;
  readonly parentOrdinal: number | null;
  readonly kind: ActionKind;
  readonly node: GraphNode;
  /** The workflow instance it belongs to. */
  readonly frame: Frame;
  /** The workflow instance it stands for, while that runs. */
  inner: Frame | null;
  phase: ActionPhase;
  attempts: number;
  userFailures: number;
  systemFailures: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  failure: Failure | null;
  current: AttemptRecord | null;
}

/** A running instance of a workflow: the run itself, or one sub-workflow node of it. */
export interface Frame {
  /** The action it stands for; null for the run itself. */
  readonly owner: ActionRecord | null;
  readonly graph: Graph;
  /** For each node, how many of its upstream nodes have not succeeded. */
  readonly waitingFor: Int32Array;
  /** For each node, the ordinal of its action, or -1. */
  readonly ordinals: Int32Array;
  /** Ordinals of its actions that are not over, without start-node and end-node. */
  readonly live: Set<number>;
  /** Entries of `RunState.ready` that belong to it. */
  readyCount: number;
  /** Failing or being aborted: nothing new starts in it. */
  isEnding: boolean;
  isOver: boolean;
  /** Under failAfterExecutableNodesComplete, the action whose failure is the last so far. */
  failedAction: ActionRecord | null;
}

/** A node whose upstream nodes have all succeeded and that has not been opened yet. */
export interface ReadyNode {
  readonly frame: Frame;
  readonly node: GraphNode;
}

/** A run in memory. `advance` changes it in place; when a commit fails it is thrown away and restored from rows. */
export interface RunState {
  phase: RunPhase;
  startedAtMs: number | null;
  endedAtMs: number | null;
  failure: Failure | null;
  abortCause: string | null;
  abortPrincipal: string | null;
  /** The latest time that an event brought. */
  nowMs: number;
  /** The run's own frame; null until the run has started. */
  root: Frame | null;
  /** By ordinal. */
  readonly actions: ActionRecord[];
  readonly names: Set<string>;
  /** Nodes to open, in order. */
  ready: ReadyNode[];
  /** Actions to end because their frame is ending; those before `endedUpTo` have been told. */
  toEnd: ActionRecord[];
  endedUpTo: number;
}

/** A run that has not started. */
export function newRun(): RunState {
  return {
    phase: "queued",
    startedAtMs: null,
    endedAtMs: null,
    failure: null,
    abortCause: null,
    abortPrincipal: null,
    nowMs: 0,
    root: null,
    actions: [],
    names: new Set(),
    ready: [],
    toEnd: [],
    endedUpTo: 0,
  };
}

/** A new instance of a workflow, in which no node has run. */
export function newFrame(graph: Graph, owner: ActionRecord | null): Frame {
  return {
    owner,
    graph,
    waitingFor: Int32Array.from(graph.nodes, (node) => node.inDegree),
    ordinals: new Int32Array(graph.nodes.length).fill(-1),
    live: new Set(),
    readyCount: 0,
    isEnding: false,
    isOver: false,
    failedAction: null,
  };
}

/** Whether nothing new may start in a frame: it is over, or it or a frame around it is ending. */
export function isClosed(frame: Frame): boolean {
  if (frame.isOver || frame.isEnding) return true;
  return frame.owner !== null && isClosed(frame.owner.frame);
}

/** Whether an attempt may still bring a result. */
export const isLive = (attempt: AttemptRecord | null): attempt is AttemptRecord =>
  attempt !== null && attempt.endedAtMs === null;

/** Where a node of a frame finds the values of a node above it. */
export function valueRefOf(frame: Frame, producer: number): ValueRef {
  if (producer !== frame.graph.start) return { ordinal: at(frame.ordinals, producer), side: "outputs" };
  return frame.owner ? { ordinal: frame.owner.ordinal, side: "inputs" } : { ordinal: 0, side: "outputs" };
}

/** Whether of two failed actions the second failed last; when both failed at once, the one created later counts. */
export function failedLater(known: ActionRecord | null, candidate: ActionRecord): boolean {
  if (!known) return true;
  const difference = endOf(candidate) - endOf(known);
  return difference > 0 || (difference === 0 && candidate.ordinal > known.ordinal);
}

function endOf({ name, endedAtMs }: ActionRecord): number {
  invariant(endedAtMs !== null, `action ${name} has failed, so it has ended`);
  return endedAtMs;
}

/** The graph that a workflow node runs. */
export function graphOf(program: Program, key: string): Graph {
  const graph = program.graphs.get(key);
  invariant(graph, `the program has a workflow ${key}`);
  return graph;
}

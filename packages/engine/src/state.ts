import { invariant } from "@skein/errors";
import { at } from "./at.ts";
import type { ActionKind } from "./changes.ts";
import type { CacheStatus, Failure, ValueRef } from "./event.ts";
import type { ArrayFrame, Frame, GraphFrame } from "./frame.ts";
import type { ActionPhase, AttemptPhase, RunPhase } from "./phase.ts";
import type { Graph, GraphNode, Program } from "./program.ts";
import type { Reference } from "./reference.ts";
import { type EngineLimits, NO_LIMITS } from "./run-limits.ts";

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

/** An action as the engine holds it: phases and places, no values. A map's item is forgotten once it is over. */
export interface ActionRecord {
  readonly ordinal: number;
  readonly name: string;
  readonly parentOrdinal: number | null;
  readonly kind: ActionKind;
  readonly node: GraphNode;
  readonly itemIndex: number | null;
  itemCount: number | null;
  readonly inputsOrdinal: number | null;
  readonly referenceOrdinal: number | null;
  /** What it is a part of. */
  readonly frame: Frame;
  /** What it stands for, while that runs. */
  inner: Frame | null;
  phase: ActionPhase;
  attempts: number;
  userFailures: number;
  systemFailures: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  failure: Failure | null;
  cacheStatus: CacheStatus;
  cacheKey: string | null;
  isRecovered: boolean;
  isExpanded: boolean;
  current: AttemptRecord | null;
  /** It counts in what the run may have under way at once. */
  hasPlace: boolean;
}

/** A node, or an item of a map, whose turn has come and that has not been opened yet. */
export interface ReadyNode {
  readonly frame: Frame;
  readonly node: GraphNode;
  /** The index of a map's item. */
  readonly item: number | null;
  /** One that waited for a place of the run and has it now. */
  readonly action?: ActionRecord;
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
  root: GraphFrame | null;
  /** By ordinal. */
  readonly actions: Map<number, ActionRecord>;
  nextOrdinal: number;
  readonly names: Set<string>;
  /** Nodes to open, in order. */
  ready: ReadyNode[];
  /** Maps that have room for more items than one commit takes. */
  readonly toFill: Set<ArrayFrame>;
  /** Actions to end because their frame is ending; those before `endedUpTo` have been told. */
  toEnd: ActionRecord[];
  endedUpTo: number;
  /** Workflows that tasks wrote instead of outputs, by the ordinal of their action. */
  readonly expansions: Map<number, Program>;
  /** For a run that recovers another one. */
  readonly reference: Reference | null;
  readonly limits: EngineLimits;
  /** How many actions have one of the places that `limits.maxParallelism` grants. */
  placesTaken: number;
  /** Actions that wait for a place, in order; those before `admittedUpTo` have waited. */
  readonly waiting: ActionRecord[];
  admittedUpTo: number;
}

/** A run that has not started. */
export function newRun(reference: Reference | null = null, limits: EngineLimits = NO_LIMITS): RunState {
  return {
    phase: "queued",
    startedAtMs: null,
    endedAtMs: null,
    failure: null,
    abortCause: null,
    abortPrincipal: null,
    nowMs: 0,
    root: null,
    actions: new Map(),
    nextOrdinal: 0,
    names: new Set(),
    ready: [],
    toFill: new Set(),
    toEnd: [],
    endedUpTo: 0,
    expansions: new Map(),
    reference,
    limits,
    placesTaken: 0,
    waiting: [],
    admittedUpTo: 0,
  };
}

/** The action of an ordinal that is known to have one. */
export function actionAt(run: RunState, ordinal: number): ActionRecord {
  const action = run.actions.get(ordinal);
  invariant(action, `action ${ordinal} is in memory`);
  return action;
}

/** Whether an attempt may still bring a result. */
export const isLive = (attempt: AttemptRecord | null): attempt is AttemptRecord =>
  attempt !== null && attempt.endedAtMs === null;

/** Where a node of a frame finds the values of a node above it. */
export function valueRefOf(frame: GraphFrame, producer: number): ValueRef {
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

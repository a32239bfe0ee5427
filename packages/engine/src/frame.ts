import { invariant } from "@skein/errors";
import type { ArraySpec, Graph, GraphNode, Program } from "./program.ts";
import type { ActionRecord } from "./state.ts";

/**
 * How far a frame is: `ending` starts nothing new and waits for its actions to end; `handling` runs its failure node
 * after that.
 */
export type FrameStage = "open" | "ending" | "handling" | "over";

interface FrameBase {
  /** Ordinals of its actions that are not over, without start-node and end-node. */
  readonly live: Set<number>;
  /** Entries of `RunState.ready` that belong to it. */
  readyCount: number;
  stage: FrameStage;
}

/** A running instance of a workflow: the run itself, a sub-workflow, or what a task wrote. */
export interface GraphFrame extends FrameBase {
  readonly kind: "graph";
  /** The action it stands for; null for the run itself. */
  readonly owner: ActionRecord | null;
  readonly program: Program;
  readonly graph: Graph;
  /** For each node, how many of its upstream nodes have not succeeded. */
  readonly waitingFor: Int32Array;
  /** For each node, the ordinal of its action, or -1. */
  readonly ordinals: Int32Array;
  /** The action whose failure is the last so far. */
  failedAction: ActionRecord | null;
}

/** A branch that has decided: its one action is the node it chose. */
export interface BranchFrame extends FrameBase {
  readonly kind: "branch";
  readonly owner: ActionRecord;
  /** The workflow around it, whose values its node reads. */
  readonly outer: GraphFrame;
}

/** A running map: its actions are the items in its window. It counts what it has forgotten. */
export interface ArrayFrame extends FrameBase {
  readonly kind: "array";
  readonly owner: ActionRecord;
  readonly outer: GraphFrame;
  readonly spec: ArraySpec;
  readonly size: number;
  /** The index of the next item to open. */
  next: number;
  successes: number;
  failures: number;
  /** All items are over, enough succeeded, and their outputs are being put together. */
  isGathering: boolean;
}

/** What actions are a part of. */
export type Frame = GraphFrame | BranchFrame | ArrayFrame;

const newBase = () => ({ live: new Set<number>(), readyCount: 0, stage: "open" as FrameStage });

/** A new instance of a workflow, in which no node has run. */
export function newGraphFrame(program: Program, graph: Graph, owner: ActionRecord | null): GraphFrame {
  return {
    ...newBase(),
    kind: "graph",
    owner,
    program,
    graph,
    waitingFor: Int32Array.from(graph.nodes, (node) => node.inDegree),
    ordinals: new Int32Array(graph.nodes.length).fill(-1),
    failedAction: null,
  };
}

export function newBranchFrame(owner: ActionRecord): BranchFrame {
  return { ...newBase(), kind: "branch", owner, outer: graphFrameOf(owner.frame) };
}

/** A new map of `size` items, none of which has begun. */
export function newArrayFrame(owner: ActionRecord, size: number): ArrayFrame {
  const { target } = owner.node;
  invariant(target.kind === "array", `action ${owner.name} is a map`);
  return {
    ...newBase(),
    kind: "array",
    owner,
    outer: graphFrameOf(owner.frame),
    spec: target.array,
    size,
    next: 0,
    successes: 0,
    failures: 0,
    isGathering: false,
  };
}

/** The workflow instance whose values the actions of a frame read. */
export const graphFrameOf = (frame: Frame): GraphFrame => (frame.kind === "graph" ? frame : frame.outer);

/** Whether a node is the failure node of the workflow it is in. */
export const isHandler = (frame: Frame, node: GraphNode): boolean =>
  frame.kind === "graph" && frame.graph.failureNode === node;

/** Whether no node of a frame may start, its failure node apart: it, or something around it, is over or ending. */
export const isClosed = (frame: Frame): boolean =>
  frame.stage !== "open" || (frame.owner !== null && isCutOff(frame.owner));

/** Whether what an action does has no effect any more, because something around it is over or ending. */
export const isCutOff = ({ frame, node }: ActionRecord): boolean => !mayRun(frame, node);

/** Whether a node of a frame may start or go on. */
export function mayRun(frame: Frame, node: GraphNode): boolean {
  if (!isHandler(frame, node)) return !isClosed(frame);
  return frame.stage === "handling" && (frame.owner === null || !isCutOff(frame.owner));
}

/** How many actions that stand for something are around a frame. */
export function depthOf(frame: Frame): number {
  let depth = 0;
  for (let { owner } = frame; owner !== null; owner = owner.frame.owner) depth += 1;
  return depth;
}

/** Whether a frame is a part of a map's item, which is forgotten once it is over. */
export function isInItem(frame: Frame): boolean {
  for (let { owner } = frame; owner !== null; owner = owner.frame.owner) if (owner.itemIndex !== null) return true;
  return false;
}

import { invariant } from "@skein/errors";
import { at } from "./at.ts";
import { endFrame } from "./ending.ts";
import type { Failure } from "./event.ts";
import { type Frame, type GraphFrame, isClosed, isCutOff, newGraphFrame } from "./frame.ts";
import { failItem, settleArray } from "./kinds/array-items.ts";
import type { Graph, GraphNode, Program } from "./program.ts";
import { type ActionRecord, failedLater } from "./state.ts";
import { addAction, bindNode, type Step, setActionPhase, setRunPhase } from "./step.ts";

/** Starts an instance of a workflow: its start-node has succeeded, its end-node waits, the first nodes are ready. */
export function openFrame(step: Step, program: Program, graph: Graph, owner: ActionRecord | null): GraphFrame {
  const frame = newGraphFrame(program, graph, owner);
  const add = (index: number, kind: "start" | "end") =>
    addAction(step, { frame, node: at(graph.nodes, index), item: null }, kind);
  const start = add(graph.start, "start");
  add(graph.end, "end");
  setActionPhase(step, start, "running");
  succeedAction(step, start);
  return frame;
}

/** Ends an action well: what waits for it may go on. Its outputs are recorded, or come with the event. */
export function succeedAction(step: Step, action: ActionRecord): void {
  const { frame } = action;
  if (action.cacheKey !== null && action.cacheStatus !== "hit") action.cacheStatus = "populated";
  setActionPhase(step, action, "succeeded");
  if (frame.kind === "graph") releaseDownstream(step, frame, action.node);
  else if (frame.kind === "array") frame.successes += 1;
  else {
    const { owner } = frame;
    frame.stage = "over";
    step.recorder.copyValue({ ordinal: action.ordinal, side: "outputs" }, { ordinal: owner.ordinal, side: "outputs" });
    succeedAction(step, owner);
  }
}

/** Counts a success with every node below; those that waited for nothing else become ready. */
function releaseDownstream({ run, recorder }: Step, frame: GraphFrame, { downstream }: GraphNode): void {
  for (const index of downstream) {
    recorder.visitedNodes += 1;
    const left = at(frame.waitingFor, index) - 1;
    frame.waitingFor[index] = left;
    if (left > 0) continue;
    run.ready.push({ frame, node: at(frame.graph.nodes, index), item: null });
    frame.readyCount += 1;
  }
}

/** Ends an action with a failure; what it is a part of decides what becomes of the others. */
export function failAction(step: Step, action: ActionRecord, failure: Failure): void {
  setActionPhase(step, action, "failed", failure);
  const { frame } = action;
  const isEnding = isClosed(frame);
  if (frame.kind === "graph") {
    if (failedLater(frame.failedAction, action)) frame.failedAction = action;
    if (!isEnding && frame.graph.failurePolicy === "failImmediately") failFrame(step, frame, failure);
  } else if (isEnding) {
    return;
  } else if (frame.kind === "branch") {
    frame.stage = "over";
    failAction(step, frame.owner, failure);
  } else {
    failItem(step, frame, action, failure);
  }
}

function failFrame(step: Step, frame: GraphFrame, failure: Failure): void {
  if (frame.owner) setActionPhase(step, frame.owner, "failing", failure);
  else setRunPhase(step, "failing", { failure });
  endFrame(step, frame);
}

/** The end-node's turn: its inputs are the outputs of the workflow. */
export function completeFrame(step: Step, frame: GraphFrame): void {
  const end = findEnd(step, frame);
  invariant(end, "a workflow that is not over has an end-node");
  const bound = bindNode(step, frame, end.node);
  if ("failure" in bound) {
    failAction(step, end, bound.failure);
    return;
  }
  const { bytes } = bound;
  step.recorder.writeValue({ ordinal: end.ordinal, side: "inputs", bytes });
  setActionPhase(step, end, "running");
  setActionPhase(step, end, "succeeded");
  frame.stage = "over";
  const { owner } = frame;
  if (!owner) {
    setRunPhase(step, "succeeded");
    return;
  }
  step.recorder.writeValue({ ordinal: owner.ordinal, side: "outputs", bytes });
  succeedAction(step, owner);
}

/** Looks whether a frame in which something ended is over, can get no further, or has room for more. */
export function settleFrame(step: Step, frame: Frame): void {
  if (frame.stage === "over") return;
  if (frame.stage === "open") {
    if (frame.kind === "array") settleArray(step, frame);
    else if (frame.kind === "graph") settleGraph(step, frame);
    return;
  }
  if (frame.live.size > 0) return;
  const isEnding = frame.stage === "ending";
  if (isEnding && frame.kind === "graph" && mayHandle(step, frame)) openHandler(step, frame);
  else if (isEnding || frame.readyCount === 0) closeFrame(step, frame);
}

function settleGraph(step: Step, frame: GraphFrame): void {
  if (frame.live.size > 0 || frame.readyCount > 0 || isClosed(frame)) return;
  failFrame(step, frame, frame.failedAction?.failure ?? STALLED);
}

/** No compiled workflow comes to this; it is here so that a run always ends. */
const STALLED: Failure = {
  code: "WorkflowStalled",
  message: "No node of the workflow can start any more, and its end was not reached.",
  kind: "system",
  recoverable: false,
};

const mayHandle = ({ run }: Step, { owner, graph }: GraphFrame): boolean =>
  graph.failureNode !== null && (owner ?? run).phase === "failing" && (owner === null || !isCutOff(owner));

function openHandler({ run }: Step, frame: GraphFrame): void {
  invariant(frame.graph.failureNode, "a workflow that may be handled has a failure node");
  frame.stage = "handling";
  frame.readyCount += 1;
  run.ready.push({ frame, node: frame.graph.failureNode, item: null });
}

/** All of an ending frame is over: its end-node ends, then what it stands for. */
function closeFrame(step: Step, frame: Frame): void {
  const { owner } = frame;
  const end = frame.kind === "graph" ? findEnd(step, frame) : undefined;
  if (end?.endedAtMs === null) setActionPhase(step, end, "aborted");
  frame.stage = "over";
  if (!owner) setRunPhase(step, step.run.phase === "failing" ? "failed" : "aborted");
  else if (owner.phase === "aborting") setActionPhase(step, owner, "aborted");
  else failAction(step, owner, failureOf(owner));
}

/** The end-node's action; undefined when it failed inside of a map's item, where what is over is forgotten. */
const findEnd = ({ run }: Step, { graph, ordinals }: GraphFrame): ActionRecord | undefined =>
  run.actions.get(at(ordinals, graph.end));

function failureOf(action: ActionRecord): Failure {
  invariant(action.failure, `action ${action.name} says why it is failing`);
  return action.failure;
}

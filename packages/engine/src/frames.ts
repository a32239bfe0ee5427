import { invariant } from "@skein/errors";
import { at } from "./at.ts";
import type { Failure } from "./event.ts";
import type { Graph } from "./program.ts";
import { type ActionRecord, type Frame, failedLater, isClosed, newFrame } from "./state.ts";
import { addAction, bindNode, type Step, setActionPhase, setRunPhase } from "./step.ts";

/** Starts an instance of a workflow: its start-node has succeeded, its end-node waits, the first nodes are ready. */
export function openFrame(step: Step, graph: Graph, owner: ActionRecord | null): Frame {
  const frame = newFrame(graph, owner);
  const start = addAction(step, frame, at(graph.nodes, graph.start), "start");
  addAction(step, frame, at(graph.nodes, graph.end), "end");
  setActionPhase(step, start, "running");
  setActionPhase(step, start, "succeeded");
  releaseDownstream(step, start);
  return frame;
}

/** Counts a success with every node below; those that waited for nothing else become ready. */
export function releaseDownstream({ run, recorder }: Step, { frame, node }: ActionRecord): void {
  for (const index of node.downstream) {
    recorder.visitedNodes += 1;
    const left = at(frame.waitingFor, index) - 1;
    frame.waitingFor[index] = left;
    if (left > 0) continue;
    run.ready.push({ frame, node: at(frame.graph.nodes, index) });
    frame.readyCount += 1;
  }
}

/** Ends an action with a failure and lets the failure policy of its frame decide what becomes of the others. */
export function failAction(step: Step, action: ActionRecord, failure: Failure): void {
  setActionPhase(step, action, "failed", failure);
  const { frame } = action;
  if (isClosed(frame)) return;
  if (frame.graph.failurePolicy === "failImmediately") failFrame(step, frame, failure);
  else if (failedLater(frame.failedAction, action)) frame.failedAction = action;
}

function failFrame(step: Step, frame: Frame, failure: Failure): void {
  if (frame.owner) setActionPhase(step, frame.owner, "failing", failure);
  else setRunPhase(step, "failing", { failure });
  endFrame(step, frame);
}

/** From here on nothing starts in the frame; its live actions are ended in batches. */
export function endFrame({ run, recorder, touched }: Step, frame: Frame): void {
  frame.isEnding = true;
  for (const ordinal of frame.live) {
    recorder.visitedNodes += 1;
    run.toEnd.push(at(run.actions, ordinal));
  }
  touched.add(frame);
}

/** The end-node's turn: its inputs are the outputs of the workflow. */
export function completeFrame(step: Step, frame: Frame): void {
  const end = endOf(step, frame);
  const bound = bindNode(step, frame, end.node);
  if ("failure" in bound) {
    failAction(step, end, bound.failure);
    return;
  }
  const { bytes } = bound;
  step.recorder.writeValue({ ordinal: end.ordinal, side: "inputs", bytes });
  setActionPhase(step, end, "running");
  setActionPhase(step, end, "succeeded");
  frame.isOver = true;
  if (!frame.owner) {
    setRunPhase(step, "succeeded");
    return;
  }
  step.recorder.writeValue({ ordinal: frame.owner.ordinal, side: "outputs", bytes });
  frame.owner.inner = null;
  setActionPhase(step, frame.owner, "succeeded");
  releaseDownstream(step, frame.owner);
}

/** Looks whether a frame in which something ended is over, or can get no further. */
export function settleFrame(step: Step, frame: Frame): void {
  if (frame.isOver || frame.live.size > 0) return;
  if (frame.isEnding) closeFrame(step, frame);
  else if (frame.readyCount === 0 && !isClosed(frame)) failFrame(step, frame, frame.failedAction?.failure ?? STALLED);
}

/** No compiled workflow comes to this; it is here so that a run always ends. */
const STALLED: Failure = {
  code: "WorkflowStalled",
  message: "No node of the workflow can start any more, and its end was not reached.",
  kind: "system",
  recoverable: false,
};

/** All children are over: the end-node, then the workflow itself. */
function closeFrame(step: Step, frame: Frame): void {
  const { owner } = frame;
  const end = endOf(step, frame);
  if (end.endedAtMs === null) setActionPhase(step, end, "aborted");
  frame.isOver = true;
  if (!owner) {
    setRunPhase(step, step.run.phase === "failing" ? "failed" : "aborted");
    return;
  }
  owner.inner = null;
  if (owner.phase === "aborting") setActionPhase(step, owner, "aborted");
  else failAction(step, owner, failureOf(owner));
}

const endOf = ({ run }: Step, { graph, ordinals }: Frame): ActionRecord => at(run.actions, at(ordinals, graph.end));

function failureOf(action: ActionRecord): Failure {
  invariant(action.failure, `action ${action.name} says why it is failing`);
  return action.failure;
}

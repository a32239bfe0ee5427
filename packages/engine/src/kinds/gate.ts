import type { EngineEvent, Failure } from "../event.ts";
import { isCutOff } from "../frame.ts";
import { failAction, succeedAction } from "../frames.ts";
import type { Gate } from "../program.ts";
import type { ActionRecord, ReadyNode } from "../state.ts";
import { addAction, type Step, setActionPhase } from "../step.ts";
import { takeInputs } from "../take-inputs.ts";

/** A gate has no attempts: its timers are those of attempt 0. */
const ATTEMPT = 0;

/** A gate's turn: it waits for a moment, or for somebody's answer (contract 6.4). */
export function openGate(step: Step, place: ReadyNode, gate: Gate): void {
  const { run, recorder } = step;
  const action = addAction(step, place, "gate");
  if (!takeInputs(step, action)) return;
  setActionPhase(step, action, "running");
  const { ordinal, node } = action;
  if (gate.type === "sleep") recorder.setTimer(ordinal, ATTEMPT, "wake", run.nowMs + gate.durationMs);
  else recorder.openSignal(ordinal);
  if (node.timeoutMs > 0) recorder.setTimer(ordinal, ATTEMPT, "deadline", run.nowMs + node.timeoutMs);
}

type GateEvent = Extract<EngineEvent, { type: "signalSet" | "timerFired" }>;

/** Applies what a gate waited for; false when it waits no more, or never did. */
export function applyGateEvent(step: Step, event: GateEvent): boolean {
  const action = step.run.actions.get(event.ordinal);
  const gate = action?.node.target.kind === "gate" ? action.node.target.gate : undefined;
  if (!action || !gate || action.phase !== "running" || isCutOff(action)) return false;
  if (event.type === "timerFired" && event.timer === "deadline") fail(step, action, timedOut(action));
  else if (event.type === "timerFired" && event.timer === "wake" && gate.type === "sleep") pass(step, action);
  else if (event.type === "signalSet" && gate.type === "signal") pass(step, action);
  else if (event.type === "signalSet" && gate.type === "approve") decide(step, action, event.approved === true);
  else return false;
  return true;
}

function decide(step: Step, action: ActionRecord, isApproved: boolean): void {
  if (!isApproved) {
    fail(step, action, REJECTED);
    return;
  }
  const { ordinal } = action;
  step.recorder.copyValue({ ordinal, side: "inputs" }, { ordinal, side: "outputs" });
  pass(step, action);
}

function pass(step: Step, action: ActionRecord): void {
  step.recorder.clearTimers(action.ordinal, ATTEMPT);
  succeedAction(step, action);
}

function fail(step: Step, action: ActionRecord, failure: Failure): void {
  step.recorder.clearTimers(action.ordinal, ATTEMPT);
  failAction(step, action, failure);
}

const REJECTED: Failure = {
  code: "ReceivedRejectSignal",
  message: "received reject signal",
  kind: "user",
  recoverable: false,
};

const timedOut = ({ node }: ActionRecord): Failure => ({
  code: "TimeoutExpired",
  message: `The gate "${node.id}" waited ${node.timeoutMs / 1000} s without an answer.`,
  kind: "user",
  recoverable: false,
});

/** Ends a gate because what it is a part of ends. */
export function abortGate(step: Step, action: ActionRecord): void {
  step.recorder.clearTimers(action.ordinal, ATTEMPT);
  setActionPhase(step, action, "aborted");
}

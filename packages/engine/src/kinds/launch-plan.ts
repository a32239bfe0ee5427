import { invariant } from "@skein/errors";
import type { EngineEvent, Failure } from "../event.ts";
import { isCutOff } from "../frame.ts";
import { failAction, succeedAction } from "../frames.ts";
import { finalFailure } from "../retry.ts";
import type { ActionRecord, ReadyNode } from "../state.ts";
import { addAction, type Step, setActionPhase } from "../step.ts";
import { takeInputs } from "../take-inputs.ts";

/** A launch plan's turn: a run of its own is asked for. Each try is another child run; there are no attempts. */
export function openLaunchPlan(step: Step, place: ReadyNode): void {
  const action = addAction(step, place, "launch_plan");
  if (!takeInputs(step, action)) return;
  setActionPhase(step, action, "running");
  launch(step, action);
}

function launch({ run, recorder }: Step, action: ActionRecord): void {
  const attempt = action.attempts;
  const { ordinal, node } = action;
  action.attempts += 1;
  recorder.changeAction(action);
  recorder.runErrand("launch_child", ordinal, attempt);
  if (node.timeoutMs > 0) recorder.setTimer(ordinal, attempt, "deadline", run.nowMs + node.timeoutMs);
}

type ChildEvent = Extract<EngineEvent, { type: "childEnded" | "timerFired" }>;

/** Applies what became of a child run; false when it is not the one that the action waits for. */
export function applyChildEvent(step: Step, event: ChildEvent): boolean {
  const action = step.run.actions.get(event.ordinal);
  if (action?.node.target.kind !== "launchPlan" || action.endedAtMs !== null) return false;
  if (action.attempts - 1 !== event.attempt) return false;
  if (event.type === "timerFired") return expire(step, action, event.timer);
  clearDeadline(step, action);
  // Something around it ends and its own end is yet to be told, or it has been told to abort its child.
  if (action.phase === "aborting" || (isCutOff(action) && action.phase === "running")) {
    setActionPhase(step, action, "aborted");
  } else if (action.phase === "failing") {
    invariant(action.failure, `action ${action.name} says why it is failing`);
    failAction(step, action, action.failure);
  } else if (event.phase === "succeeded") {
    succeedAction(step, action);
  } else {
    fail(step, action, failureOf(event));
  }
  return true;
}

const failureOf = ({ failure }: Extract<ChildEvent, { type: "childEnded" }>): Failure => ({
  code: failure?.code ?? "ChildRunAborted",
  message: failure?.message ?? "The child run was aborted.",
  kind: failure?.kind ?? "user",
  recoverable: false,
});

/** A failed child is tried again while the node grants retries, whatever it failed of. */
function fail(step: Step, action: ActionRecord, failure: Failure): void {
  action.userFailures += 1;
  const { userFailures, systemFailures, node } = action;
  const retried: Failure = { ...failure, kind: "user", recoverable: node.retries > 0 };
  const final = finalFailure(retried, { retries: node.retries, userFailures, systemFailures }, step.policy);
  if (final) failAction(step, action, node.retries > 0 ? final : failure);
  else launch(step, action);
}

function expire(step: Step, action: ActionRecord, timer: string): boolean {
  if (timer !== "deadline" || action.phase !== "running" || isCutOff(action)) return false;
  const message = `The child run did not end within ${action.node.timeoutMs / 1000} s.`;
  setActionPhase(step, action, "failing", { code: "TimeoutExpired", message, kind: "user", recoverable: false });
  step.recorder.runErrand("abort_child", action.ordinal, action.attempts - 1);
  return true;
}

/** Ends a child run because what its action is a part of ends; the action is over once the child is. */
export function abortLaunchPlan(step: Step, action: ActionRecord): void {
  const isTold = action.phase === "failing";
  setActionPhase(step, action, "aborting");
  clearDeadline(step, action);
  if (!isTold) step.recorder.runErrand("abort_child", action.ordinal, action.attempts - 1);
}

function clearDeadline({ recorder }: Step, { ordinal, attempts, node }: ActionRecord): void {
  if (node.timeoutMs > 0) recorder.clearTimers(ordinal, attempts - 1);
}

import { invariant } from "@skein/errors";
import { ALL_ATTEMPTS, type EngineEvent, type Failure } from "../event.ts";
import { depthOf, isCutOff } from "../frame.ts";
import { failAction, openFrame, succeedAction } from "../frames.ts";
import { leavePlace } from "../parallelism.ts";
import type { Program } from "../program.ts";
import { backoffMs, finalFailure } from "../retry.ts";
import { type ActionRecord, type AttemptRecord, isLive, type ReadyNode } from "../state.ts";
import { addAction, type Step, setActionPhase, setAttemptPhase } from "../step.ts";
import { takeInputs } from "../take-inputs.ts";
import { growAfter } from "./task-memory.ts";
import { queueTimeout, totalTimeout, totalTimeoutMs } from "./task-timeouts.ts";

/** Events about one attempt. */
export type AttemptEvent = Extract<
  EngineEvent,
  {
    type:
      | "attemptStarted"
      | "attemptSucceeded"
      | "attemptExpanded"
      | "attemptFailed"
      | "attemptLost"
      | "attemptStopped"
      | "timerFired";
  }
>;

/**
 * A task's turn: its inputs are recorded and its first attempt is dispatched, after a look into the cache where it is
 * cached. What the recovered run's task wrote is not written again.
 */
export function openTask(step: Step, place: ReadyNode): void {
  const action = addAction(step, place, "task");
  if (!takeInputs(step, action)) return;
  const { referenceOrdinal, ordinal, node } = action;
  const written = referenceOrdinal === null ? undefined : step.run.reference?.expansionOf(referenceOrdinal);
  if (written && referenceOrdinal !== null) {
    step.recorder.reuseExpansion(ordinal, referenceOrdinal);
    step.run.expansions.set(ordinal, written);
    expand(step, action, written);
  } else if (node.cache) {
    action.cacheStatus = "miss";
    step.recorder.changeAction(action);
    step.recorder.runErrand("check_cache", ordinal, 0);
  } else {
    startAttempt(step, action);
  }
}

/** Applies what the cache holds for a task; false when it does not wait for that any more. */
export function applyCacheChecked(step: Step, event: Extract<EngineEvent, { type: "cacheChecked" }>): boolean {
  const action = step.run.actions.get(event.ordinal);
  if (!action?.node.cache || action.phase !== "queued" || action.attempts > 0 || isCutOff(action)) return false;
  action.cacheStatus = event.status;
  action.cacheKey = event.key;
  if (event.status !== "hit") {
    startAttempt(step, action);
    return true;
  }
  setActionPhase(step, action, "running");
  succeedAction(step, action);
  return true;
}

/** The task wrote a workflow: its nodes are what the action does from now on. */
function expand(step: Step, action: ActionRecord, program: Program): void {
  action.isExpanded = true;
  leavePlace(step.run, action);
  clearTotal(step, action);
  step.recorder.changeAction(action);
  if (action.phase === "queued") setActionPhase(step, action, "running");
  if (depthOf(action.frame) < step.policy.nestingMax) {
    action.inner = openFrame(step, program, program.root, action);
    return;
  }
  const message = `Dynamic workflows are nested more than ${step.policy.nestingMax} deep here. Is the recursion endless?`;
  failAction(step, action, { code: "NestedTooDeep", message, kind: "user", recoverable: false });
}

function startAttempt({ run, recorder }: Step, action: ActionRecord): void {
  const attempt: AttemptRecord = {
    ordinal: action.ordinal,
    attempt: action.attempts,
    phase: "queued",
    queuedAtMs: run.nowMs,
    startedAtMs: null,
    endedAtMs: null,
    failure: null,
  };
  action.attempts += 1;
  action.current = attempt;
  recorder.addAttempt(attempt);
  recorder.changeAction(action);
  const { queueTimeoutMs } = run.limits;
  if (queueTimeoutMs > 0) recorder.setTimer(action.ordinal, attempt.attempt, "queue", run.nowMs + queueTimeoutMs);
}

/** Applies what was learnt about an attempt; false when it came late, twice or for something that is over. */
export function applyAttemptEvent(step: Step, event: AttemptEvent): boolean {
  const action = step.run.actions.get(event.ordinal);
  if (!action) return false;
  if (event.type === "timerFired" && event.timer === "backoff") return retry(step, action, event.attempt);
  if (event.type === "timerFired" && event.timer === "total") return expireWhole(step, action);
  const attempt = action.current;
  if (!isLive(attempt) || attempt.attempt !== event.attempt) return false;
  switch (event.type) {
    case "attemptStarted":
      return start(step, action, attempt);
    case "timerFired":
      return event.timer === "queue" ? giveUp(step, action, attempt, event.note) : expire(step, action, attempt);
    case "attemptSucceeded":
    case "attemptExpanded":
      noteStart(step, action, attempt, event.startedAtMs);
      if (isCut(action, attempt)) cut(step, action, attempt);
      else if (event.type === "attemptSucceeded") succeed(step, action, attempt);
      else succeedExpanded(step, action, attempt);
      return true;
    default:
      if (event.type === "attemptFailed") noteStart(step, action, attempt, event.startedAtMs);
      if (isCut(action, attempt)) cut(step, action, attempt);
      else fail(step, action, attempt, failureOf(event));
      return true;
  }
}

type FailureEvent = Extract<AttemptEvent, { type: "attemptFailed" | "attemptLost" | "attemptStopped" }>;

function failureOf(event: FailureEvent): Failure {
  if (event.type === "attemptFailed") return event.failure;
  const message = event.type === "attemptLost" ? event.message : "The agent stopped the attempt without being told to.";
  return { code: "AgentLost", message, kind: "system", recoverable: true };
}

function start(step: Step, action: ActionRecord, attempt: AttemptRecord): boolean {
  if (attempt.phase !== "queued") return false;
  const { run, recorder } = step;
  setAttemptPhase(step, attempt, "running");
  attempt.startedAtMs = Math.max(run.nowMs, attempt.queuedAtMs);
  setActionPhase(step, action, "running");
  const { timeoutMs } = action.node;
  if (timeoutMs > 0) recorder.setTimer(action.ordinal, attempt.attempt, "deadline", attempt.startedAtMs + timeoutMs);
  return true;
}

/** The agent's clock says when user code began; it may not lie outside of what we know. */
function noteStart({ run, recorder }: Step, action: ActionRecord, attempt: AttemptRecord, atMs: number | null): void {
  if (atMs === null) return;
  const startedAtMs = Math.max(attempt.queuedAtMs, Math.min(atMs, run.nowMs));
  attempt.startedAtMs ??= startedAtMs;
  action.startedAtMs ??= startedAtMs;
  recorder.changeAttempt(attempt);
  recorder.changeAction(action);
}

function succeed(step: Step, action: ActionRecord, attempt: AttemptRecord): void {
  clearTimers(step, action, attempt);
  clearTotal(step, action);
  setAttemptPhase(step, attempt, "succeeded");
  succeedAction(step, action);
}

function succeedExpanded(step: Step, action: ActionRecord, attempt: AttemptRecord): void {
  const program = step.run.expansions.get(action.ordinal);
  invariant(program, `the workflow that ${action.name} wrote is known`);
  clearTimers(step, action, attempt);
  setAttemptPhase(step, attempt, "succeeded");
  expand(step, action, program);
}

/** The outcome was decided before the agent spoke: its time ran out, or its workflow is ending. */
const isCut = (action: ActionRecord, attempt: AttemptRecord): boolean =>
  attempt.phase === "aborting" || isCutOff(action);

function cut(step: Step, action: ActionRecord, attempt: AttemptRecord): void {
  if (attempt.failure && !isCutOff(action)) {
    fail(step, action, attempt, attempt.failure);
    return;
  }
  clearTimers(step, action, attempt);
  clearTotal(step, action);
  setAttemptPhase(step, attempt, "aborted");
  setActionPhase(step, action, "aborted");
}

function fail(step: Step, action: ActionRecord, attempt: AttemptRecord, failure: Failure): void {
  clearTimers(step, action, attempt);
  const grown = growAfter(step.run.limits, action, failure);
  setAttemptPhase(step, attempt, "failed", grown ?? failure);
  const final = grown ? undefined : count(step, action, failure);
  if (final) {
    clearTotal(step, action);
    failAction(step, action, final);
  } else {
    backOff(step, action);
  }
}

/** Counts a failure; answers the one that the action ends with, if it does. */
function count({ policy }: Step, action: ActionRecord, failure: Failure): Failure | undefined {
  if (failure.kind === "user") action.userFailures += 1;
  else action.systemFailures += 1;
  const { userFailures, systemFailures, node } = action;
  return finalFailure(failure, { retries: node.retries, userFailures, systemFailures }, policy);
}

/** One attempt alone cannot take as long as all may, so that their time is watched only from the second on. */
function backOff(step: Step, action: ActionRecord): void {
  const { recorder, run, policy } = step;
  const { ordinal, attempts, startedAtMs, node } = action;
  if (action.phase === "running") setActionPhase(step, action, "queued");
  recorder.changeAction(action);
  recorder.setTimer(ordinal, attempts, "backoff", run.nowMs + backoffMs(attempts, policy));
  if (node.timeoutMs > 0 && startedAtMs !== null)
    recorder.setTimer(ordinal, ALL_ATTEMPTS, "total", startedAtMs + totalTimeoutMs(node));
}

function retry(step: Step, action: ActionRecord, attempt: number): boolean {
  const isWaiting = action.phase === "queued" && action.attempts === attempt && !isLive(action.current);
  if (!isWaiting || attempt === 0 || isCutOff(action)) return false;
  startAttempt(step, action);
  return true;
}

function expire(step: Step, action: ActionRecord, attempt: AttemptRecord): boolean {
  if (attempt.phase !== "running") return false;
  setAttemptPhase(step, attempt, "aborting", {
    code: "TimeoutExpired",
    message: `task execution timeout [${action.node.timeoutMs / 1000}s] expired`,
    kind: "user",
    recoverable: true,
  });
  return true;
}

/** Nobody began the attempt in time. Another one would wait in the same queue. */
function giveUp(step: Step, action: ActionRecord, attempt: AttemptRecord, note: string | undefined): boolean {
  if (attempt.phase !== "queued") return false;
  if (isCut(action, attempt)) cut(step, action, attempt);
  else fail(step, action, attempt, queueTimeout(step.run.limits, note));
  return true;
}

/** All attempts together ran out of their time: nothing more is tried. */
function expireWhole(step: Step, action: ActionRecord): boolean {
  const { ordinal, attempts, node, isExpanded, endedAtMs, current } = action;
  if (node.timeoutMs === 0 || attempts === 0 || isExpanded || endedAtMs !== null || isCutOff(action)) return false;
  const failure = totalTimeout(node);
  if (!isLive(current)) {
    step.recorder.clearTimers(ordinal, attempts);
    failAction(step, action, failure);
  } else if (current.phase === "queued") {
    fail(step, action, current, failure);
  } else if (current.phase === "running") {
    setAttemptPhase(step, current, "aborting", failure);
  } else {
    current.failure = failure;
    step.recorder.changeAttempt(current);
  }
  return true;
}

function clearTimers({ recorder, run }: Step, { node }: ActionRecord, attempt: AttemptRecord): void {
  const hasDeadline = node.timeoutMs > 0 && attempt.startedAtMs !== null;
  if (hasDeadline || run.limits.queueTimeoutMs > 0) recorder.clearTimers(attempt.ordinal, attempt.attempt);
}

function clearTotal({ recorder }: Step, { ordinal, attempts, node }: ActionRecord): void {
  if (node.timeoutMs > 0 && attempts > 1) recorder.clearTimers(ordinal, ALL_ATTEMPTS);
}

/** Ends a task because its workflow ends: at once, unless an agent must stop it first. */
export function abortTask(step: Step, action: ActionRecord): void {
  const attempt = action.current;
  if (!isLive(attempt)) {
    step.recorder.clearTimers(action.ordinal, action.attempts);
    if (action.node.timeoutMs > 0) step.recorder.clearTimers(action.ordinal, ALL_ATTEMPTS);
    setActionPhase(step, action, "aborted");
  } else if (attempt.phase === "queued") {
    clearTimers(step, action, attempt);
    clearTotal(step, action);
    setAttemptPhase(step, attempt, "aborted");
    setActionPhase(step, action, "aborted");
  } else {
    if (attempt.phase === "running") setAttemptPhase(step, attempt, "aborting");
    setActionPhase(step, action, "aborting");
  }
}

import { invariant } from "@skein/errors";
import type { LiteralMap } from "@skein/idl/core";
import type { ActionKind } from "./changes.ts";
import type { Failure, ValueRef } from "./event.ts";
import { type BindResult, bindInputs, decodeLiteralMap } from "./literal/bind.ts";
import {
  ACTION_TRANSITIONS,
  type ActionPhase,
  ATTEMPT_TRANSITIONS,
  type AttemptPhase,
  isTerminalAction,
  isTerminalAttempt,
  isTerminalRun,
  RUN_TRANSITIONS,
  type RunPhase,
} from "./phase.ts";
import type { GraphNode, Program } from "./program.ts";
import type { ChangeRecorder } from "./recorder.ts";
import type { EnginePolicy } from "./retry.ts";
import { type ActionRecord, type AttemptRecord, type Frame, type RunState, valueRefOf } from "./state.ts";
import { uniqueName } from "./unique-name.ts";

/** Finds the bytes of a value; undefined when they must be loaded first. */
export interface ValueSource {
  get(ref: ValueRef): Uint8Array | undefined;
}

/** One call of `advance`: what its parts share. */
export interface Step {
  readonly run: RunState;
  readonly program: Program;
  readonly values: ValueSource;
  readonly policy: EnginePolicy;
  readonly recorder: ChangeRecorder;
  /** Frames in which something ended, so that they may be over or stuck. */
  readonly touched: Set<Frame>;
  /** Values decoded in this call: a thousand nodes may read the same one. */
  readonly decoded: Map<string, LiteralMap>;
}

/** What a phase change may set along with the phase. */
interface RunPatch {
  readonly failure?: Failure;
  readonly abortCause?: string;
  readonly abortPrincipal?: string;
}

/** Actions and runs are never tried again, so whether their failure was recoverable is not kept. */
const closed = (failure: Failure): Failure => ({ ...failure, recoverable: false });

/** Moves the run along `RUN_TRANSITIONS`. */
export function setRunPhase({ run, recorder }: Step, phase: RunPhase, patch: RunPatch = {}): void {
  invariant(RUN_TRANSITIONS[run.phase].includes(phase), `a run may not go from ${run.phase} to ${phase}`);
  run.phase = phase;
  if (phase === "running") run.startedAtMs = run.nowMs;
  if (isTerminalRun(phase)) run.endedAtMs = Math.max(run.nowMs, run.startedAtMs ?? 0);
  if (patch.failure) run.failure = closed(patch.failure);
  run.abortCause = patch.abortCause ?? run.abortCause;
  run.abortPrincipal = patch.abortPrincipal ?? run.abortPrincipal;
  recorder.changeRun(run);
}

/** Moves an action along `ACTION_TRANSITIONS`, keeps its frame's list of live actions and marks the frame as touched. */
export function setActionPhase(step: Step, action: ActionRecord, phase: ActionPhase, failure?: Failure): void {
  const isAllowed = ACTION_TRANSITIONS[action.phase].includes(phase);
  invariant(isAllowed, `action ${action.name} may not go from ${action.phase} to ${phase}`);
  action.phase = phase;
  if (failure) action.failure = closed(failure);
  if (phase === "running") action.startedAtMs ??= step.run.nowMs;
  if (isTerminalAction(phase)) {
    action.endedAtMs = Math.max(step.run.nowMs, action.startedAtMs ?? 0);
    action.frame.live.delete(action.ordinal);
    step.touched.add(action.frame);
  }
  step.recorder.changeAction(action);
}

/** Moves an attempt along `ATTEMPT_TRANSITIONS`. */
export function setAttemptPhase(step: Step, attempt: AttemptRecord, phase: AttemptPhase, failure?: Failure): void {
  const isAllowed = ATTEMPT_TRANSITIONS[attempt.phase].includes(phase);
  invariant(isAllowed, `an attempt of ${attempt.ordinal} may not go from ${attempt.phase} to ${phase}`);
  attempt.phase = phase;
  attempt.failure = failure ?? null;
  if (isTerminalAttempt(phase)) attempt.endedAtMs = Math.max(step.run.nowMs, attempt.startedAtMs ?? attempt.queuedAtMs);
  step.recorder.changeAttempt(attempt);
}

/** Adds an action in phase `queued`. */
export function addAction(step: Step, frame: Frame, node: GraphNode, kind: ActionKind): ActionRecord {
  const { run, recorder } = step;
  const { owner } = frame;
  const name = uniqueName(owner && { name: owner.name, attempt: 0 }, node.id, (taken) => run.names.has(taken));
  const action: ActionRecord = {
    ordinal: run.actions.length,
    name,
    parentOrdinal: owner?.ordinal ?? null,
    kind,
    node,
    frame,
    inner: null,
    phase: "queued",
    attempts: 0,
    userFailures: 0,
    systemFailures: 0,
    startedAtMs: null,
    endedAtMs: null,
    failure: null,
    current: null,
  };
  run.actions.push(action);
  run.names.add(name);
  frame.ordinals[node.index] = action.ordinal;
  if (kind !== "start" && kind !== "end") frame.live.add(action.ordinal);
  recorder.addAction(action);
  return action;
}

/** Values that a node's bindings read and that must be loaded first. */
export function missingValues(step: Step, frame: Frame, node: GraphNode): ValueRef[] {
  return node.producers
    .filter((producer) => isKnown(frame, producer))
    .map((producer) => valueRefOf(frame, producer))
    .filter((ref) => findValue(step, ref) === undefined);
}

/** A node that was bound without being upstream may have no action; its binding then fails with a message. */
const isKnown = (frame: Frame, producer: number): boolean =>
  producer === frame.graph.start || frame.ordinals[producer] !== -1;

const findValue = ({ recorder, values }: Step, ref: ValueRef): Uint8Array | undefined =>
  recorder.findValue(ref) ?? values.get(ref);

/** Resolves a node's bindings from values that are all there. */
export function bindNode(step: Step, frame: Frame, node: GraphNode): BindResult {
  return bindInputs(node, (nodeId) => {
    const producer = nodeId === "" ? frame.graph.start : frame.graph.indexOf.get(nodeId);
    invariant(producer !== undefined, `node ${node.id} reads from a node of its workflow`);
    if (!isKnown(frame, producer)) return undefined;
    const ref = valueRefOf(frame, producer);
    const key = `${ref.ordinal}.${ref.side}`;
    const known = step.decoded.get(key);
    if (known) return known;
    const bytes = findValue(step, ref);
    const literals = bytes && decodeLiteralMap(bytes, nodeId);
    if (literals) step.decoded.set(key, literals);
    return literals;
  });
}

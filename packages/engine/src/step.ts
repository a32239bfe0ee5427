import { invariant } from "@skein/errors";
import type { LiteralMap } from "@skein/idl/core";
import type { ActionKind } from "./changes.ts";
import type { Failure, ValueRef } from "./event.ts";
import { type Frame, type GraphFrame, graphFrameOf, isHandler, isInItem } from "./frame.ts";
import { type BindResult, bindInputs, decodeLiteralMap } from "./literal/bind.ts";
import { leavePlace, needsPlace, takePlace } from "./parallelism.ts";
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
import type { GraphNode } from "./program.ts";
import { type ChangeRecorder, itemNodeId, refKey } from "./recorder.ts";
import type { ReferenceAction } from "./reference.ts";
import type { EnginePolicy } from "./retry.ts";
import { type ActionRecord, type AttemptRecord, type ReadyNode, type RunState, valueRefOf } from "./state.ts";
import { itemName, nameInItem, uniqueName } from "./unique-name.ts";

/** Finds the bytes of a value; undefined when they must be loaded first. */
export interface ValueSource {
  get(ref: ValueRef): Uint8Array | undefined;
}

/** One call of `advance`: what its parts share. */
export interface Step {
  readonly run: RunState;
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

/**
 * Moves an action along `ACTION_TRANSITIONS`, keeps its frame's list of live actions and marks the frame as touched. A
 * map's item that is over is forgotten, and so is what it is made of.
 */
export function setActionPhase(step: Step, action: ActionRecord, phase: ActionPhase, failure?: Failure): void {
  const isAllowed = ACTION_TRANSITIONS[action.phase].includes(phase);
  invariant(isAllowed, `action ${action.name} may not go from ${action.phase} to ${phase}`);
  action.phase = phase;
  if (failure) action.failure = closed(failure);
  if (phase === "running") action.startedAtMs ??= step.run.nowMs;
  if (isTerminalAction(phase)) {
    action.endedAtMs = Math.max(step.run.nowMs, action.startedAtMs ?? 0);
    leavePlace(step.run, action);
    action.inner = null;
    action.frame.live.delete(action.ordinal);
    step.touched.add(action.frame);
    if (action.itemIndex !== null || isInItem(action.frame)) step.run.actions.delete(action.ordinal);
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

/** Adds an action in phase `queued`; one that waited for its turn is there already. */
export function addAction(step: Step, place: ReadyNode, kind: ActionKind): ActionRecord {
  if (place.action) return place.action;
  const { run, recorder } = step;
  const { frame, node, item } = place;
  const action: ActionRecord = {
    ordinal: item === null ? run.nextOrdinal : itemOrdinal(frame, item),
    name: nameOf(run, place),
    parentOrdinal: frame.owner?.ordinal ?? null,
    kind,
    node,
    itemIndex: item,
    itemCount: null,
    inputsOrdinal: frame.kind === "array" && !frame.spec.isSplit ? frame.owner.ordinal : null,
    referenceOrdinal: findReference(run, place)?.ordinal ?? null,
    frame,
    inner: null,
    phase: "queued",
    attempts: 0,
    userFailures: 0,
    systemFailures: 0,
    startedAtMs: null,
    endedAtMs: null,
    failure: null,
    cacheStatus: "disabled",
    cacheKey: null,
    isRecovered: false,
    isExpanded: false,
    current: null,
    hasPlace: false,
  };
  if (item === null) run.nextOrdinal += 1;
  run.actions.set(action.ordinal, action);
  if (needsPlace(run, frame, kind)) takePlace(run, action);
  if (frame.kind === "graph" && node.index >= 0) frame.ordinals[node.index] = action.ordinal;
  if (kind !== "start" && kind !== "end") frame.live.add(action.ordinal);
  recorder.addAction(action);
  return action;
}

const itemOrdinal = ({ owner }: Frame, item: number): number => {
  invariant(owner, "a map's item is a part of its map");
  return owner.ordinal + 1 + item;
};

function nameOf(run: RunState, { frame, node, item }: ReadyNode): string {
  const { owner } = frame;
  if (owner && item !== null) return itemName(owner.name, item);
  const parent = owner && { name: owner.name, attempt: Math.max(0, owner.attempts - 1) };
  if (parent && isInItem(frame)) return nameInItem(parent, node.id);
  const name = uniqueName(parent, node.id, (taken) => run.names.has(taken));
  run.names.add(name);
  return name;
}

/**
 * The action at the same place of the run that this one recovers. A failure node answers a failure, so each failure has
 * its own.
 */
export function findReference({ reference }: RunState, { frame, node, item }: ReadyNode): ReferenceAction | undefined {
  if (!reference || isHandler(frame, node)) return undefined;
  const parent = frame.owner ? frame.owner.referenceOrdinal : null;
  if (frame.owner && parent === null) return undefined;
  return reference.find(parent, item === null ? node.id : itemNodeId(item));
}

/** Values that a node's inputs are made of and that must be loaded first. */
export function missingValues(step: Step, { frame, node }: ReadyNode): ValueRef[] {
  const isMissing = (ref: ValueRef) => findValue(step, ref) === undefined;
  const refs = frame.kind === "array" ? inputsOfMap(frame.owner, frame.spec.isSplit) : producerRefs(frame, node);
  const missing = refs.map((ref) => step.recorder.sourceOf(ref)).filter(isMissing);
  if (missing.length > 0 || frame.kind === "array" || node.looksInto.length === 0) return missing;
  return offloadedRefs(step, graphFrameOf(frame), node).filter(isMissing);
}

/** Literals that a node looks into and that their tasks offloaded. */
function offloadedRefs(step: Step, frame: GraphFrame, { looksInto }: GraphNode): ValueRef[] {
  return looksInto.flatMap(({ producer, variable }) => {
    if (!isKnown(frame, producer)) return [];
    const ref = step.recorder.sourceOf(valueRefOf(frame, producer));
    const literal = tryDecode(step, ref)?.literals[variable];
    return literal?.value.case === "offloadedMetadata" ? [{ ...ref, uri: literal.value.value.uri }] : [];
  });
}

/** What is no literal map is not told here: the binding that reads it fails for the same reason. */
function tryDecode(step: Step, ref: ValueRef): LiteralMap | undefined {
  try {
    return decode(step, ref, "");
  } catch {
    return undefined;
  }
}

const inputsOfMap = ({ ordinal }: ActionRecord, isSplit: boolean): ValueRef[] =>
  isSplit ? [{ ordinal, side: "inputs" }] : [];

function producerRefs(frame: Frame, node: GraphNode): ValueRef[] {
  const graphFrame = graphFrameOf(frame);
  return node.producers
    .filter((producer) => isKnown(graphFrame, producer))
    .map((producer) => valueRefOf(graphFrame, producer));
}

/** A node that was bound without being upstream may have no action; its binding then fails with a message. */
const isKnown = ({ graph, ordinals }: GraphFrame, producer: number): boolean =>
  producer === graph.start || ordinals[producer] !== -1;

/** The bytes of a value that is at hand, be it written in this advance or loaded for it. */
export function findValue({ recorder, values }: Step, ref: ValueRef): Uint8Array | undefined {
  const source = recorder.sourceOf(ref);
  return recorder.findValue(source) ?? values.get(source);
}

/** Resolves a node's bindings from values that are all there. */
export function bindNode(step: Step, frame: Frame, node: GraphNode): BindResult {
  const graphFrame = graphFrameOf(frame);
  const { graph } = graphFrame;
  const locate = (nodeId: string): ValueRef | undefined => {
    const producer = nodeId === "" ? graph.start : graph.indexOf.get(nodeId);
    invariant(producer !== undefined, `node ${node.id} reads from a node of its workflow`);
    return isKnown(graphFrame, producer) ? step.recorder.sourceOf(valueRefOf(graphFrame, producer)) : undefined;
  };
  return bindInputs(node, {
    read: (nodeId) => {
      const ref = locate(nodeId);
      return ref && decode(step, ref, nodeId);
    },
    readOffloaded: (nodeId, uri) => {
      const ref = locate(nodeId);
      return ref && findValue(step, { ...ref, uri });
    },
  });
}

/** A value at hand as literals, decoded once in an advance. */
function decode(step: Step, ref: ValueRef, nodeId: string): LiteralMap | undefined {
  const key = refKey(ref);
  const known = step.decoded.get(key);
  if (known) return known;
  const bytes = findValue(step, ref);
  const literals = bytes && decodeLiteralMap(bytes, nodeId);
  if (literals) step.decoded.set(key, literals);
  return literals;
}

import type {
  ActionState,
  AttemptState,
  Changes,
  NewAction,
  ReusedExpansion,
  RunChange,
  ValueCopy,
  ValueWrite,
} from "./changes.ts";
import type { Command, ErrandKind } from "./command.ts";
import type { TimerKind, ValueRef } from "./event.ts";
import type { ActionRecord, AttemptRecord, RunState } from "./state.ts";

/** Tells values apart, those of the reference included. */
export function refKey({ ordinal, side, of, uri }: ValueRef): string {
  const key = `${ordinal}.${side}${of ? `.${of}` : ""}`;
  return uri === undefined ? key : `${key} ${uri}`;
}
const attemptKey = (ordinal: number, attempt: number): string => `${ordinal}.${attempt}`;

type SetTimer = Extract<Command, { type: "setTimer" }>;

/**
 * Collects what the calls of `advance` between two commits change in one run. Make a new one for each commit; read
 * `changes()` once `advance` needs no more values.
 */
export class ChangeRecorder {
  /** Nodes looked at, for the test that an advance costs O(events + nodes touched). */
  visitedNodes = 0;
  /** Actions told to end, of the batch that one commit takes. */
  endedActions = 0;
  /** Items of maps begun, of the batch that one commit takes. */
  openedItems = 0;
  /** Actions are left to end, or items to begin, after this commit. */
  hasMore = false;
  staleEvents = 0;
  #run: RunState | null = null;
  readonly #newActions: ActionRecord[] = [];
  readonly #actions = new Set<ActionRecord>();
  /** Whether the attempt is new. */
  readonly #attempts = new Map<AttemptRecord, boolean>();
  readonly #values = new Map<string, ValueWrite>();
  readonly #copies = new Map<string, ValueCopy>();
  readonly #reusedExpansions: ReusedExpansion[] = [];
  readonly #orders: Command[] = [];
  readonly #timers = new Map<string, SetTimer[]>();
  readonly #clearedTimers = new Map<string, Command>();

  changeRun(run: RunState): void {
    this.#run = run;
  }

  addAction(action: ActionRecord): void {
    this.#newActions.push(action);
    this.#actions.add(action);
  }

  changeAction(action: ActionRecord): void {
    this.#actions.add(action);
  }

  addAttempt(attempt: AttemptRecord): void {
    this.#attempts.set(attempt, true);
  }

  changeAttempt(attempt: AttemptRecord): void {
    if (!this.#attempts.has(attempt)) this.#attempts.set(attempt, false);
  }

  writeValue(value: ValueWrite): void {
    this.#values.set(refKey(value), value);
  }

  /** Makes one value the same as another. */
  copyValue(from: ValueRef, to: ValueRef): void {
    this.#copies.set(refKey(to), { from: this.sourceOf(from), to });
  }

  /** The value that another one is a copy of since the last commit, or the value itself. */
  sourceOf(ref: ValueRef): ValueRef {
    return this.#copies.get(refKey(ref))?.from ?? ref;
  }

  /** A value written since the last commit. */
  findValue(ref: ValueRef): Uint8Array | undefined {
    return this.#values.get(refKey(ref))?.bytes;
  }

  reuseExpansion(ordinal: number, referenceOrdinal: number): void {
    this.#reusedExpansions.push({ ordinal, referenceOrdinal });
  }

  runErrand(errand: ErrandKind, ordinal: number, attempt: number): void {
    this.#orders.push({ type: "runErrand", errand, ordinal, attempt });
  }

  openSignal(ordinal: number): void {
    this.#orders.push({ type: "openSignal", ordinal });
  }

  setTimer(ordinal: number, attempt: number, timer: TimerKind, dueAtMs: number): void {
    const key = attemptKey(ordinal, attempt);
    this.#timers.set(key, [...(this.#timers.get(key) ?? []), { type: "setTimer", ordinal, attempt, timer, dueAtMs }]);
  }

  clearTimers(ordinal: number, attempt: number): void {
    const key = attemptKey(ordinal, attempt);
    this.#timers.delete(key);
    this.#clearedTimers.set(key, { type: "clearTimers", ordinal, attempt });
  }

  /** Everything recorded, as it is at this moment. */
  changes(): Changes {
    return {
      run: this.#run && toRunChange(this.#run),
      newActions: this.#newActions.map(toNewAction),
      actions: Array.from(this.#actions, toActionState),
      attempts: Array.from(this.#attempts, ([attempt, isNew]) => ({ ...toAttemptState(attempt), isNew })),
      values: [...this.#values.values()],
      copies: [...this.#copies.values()],
      reusedExpansions: [...this.#reusedExpansions],
      commands: [...this.#commands()],
      staleEvents: this.staleEvents,
    };
  }

  *#commands(): Iterable<Command> {
    for (const [{ ordinal, attempt, phase }, isNew] of this.#attempts)
      if (isNew && phase === "queued") yield { type: "dispatchAttempt", ordinal, attempt };
    yield* this.#orders;
    for (const timers of this.#timers.values()) yield* timers;
    yield* this.#clearedTimers.values();
    if (this.hasMore) yield { type: "continue" };
  }
}

/** The node id under which a map's item is found: below its map, ids are the items' own. */
export const itemNodeId = (index: number): string => `n${index}`;

const toRunChange = (run: RunState): RunChange => ({
  phase: run.phase,
  startedAtMs: run.startedAtMs,
  endedAtMs: run.endedAtMs,
  failure: run.failure,
  abortCause: run.abortCause,
  abortPrincipal: run.abortPrincipal,
});

const toNewAction = (action: ActionRecord): NewAction => ({
  ordinal: action.ordinal,
  name: action.name,
  parentOrdinal: action.parentOrdinal,
  specNodeId: action.itemIndex === null ? action.node.id : itemNodeId(action.itemIndex),
  kind: action.kind,
  taskKey: action.node.target.kind === "task" ? action.node.target.task.key : null,
  itemIndex: action.itemIndex,
  itemCount: action.itemCount,
  inputsOrdinal: action.inputsOrdinal,
  referenceOrdinal: action.referenceOrdinal,
});

const toActionState = (action: ActionRecord): ActionState => ({
  ordinal: action.ordinal,
  phase: action.phase,
  attempts: action.attempts,
  userFailures: action.userFailures,
  systemFailures: action.systemFailures,
  startedAtMs: action.startedAtMs,
  endedAtMs: action.endedAtMs,
  failure: action.failure,
  cacheStatus: action.cacheStatus,
  cacheKey: action.cacheKey,
  isRecovered: action.isRecovered,
  isExpanded: action.isExpanded,
});

const toAttemptState = (attempt: AttemptRecord): AttemptState => ({
  ordinal: attempt.ordinal,
  attempt: attempt.attempt,
  phase: attempt.phase,
  queuedAtMs: attempt.queuedAtMs,
  startedAtMs: attempt.startedAtMs,
  endedAtMs: attempt.endedAtMs,
  failure: attempt.failure,
});

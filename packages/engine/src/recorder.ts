import type { ActionState, AttemptState, Changes, NewAction, RunChange, ValueWrite } from "./changes.ts";
import type { Command } from "./command.ts";
import type { TimerKind, ValueRef } from "./event.ts";
import type { ActionRecord, AttemptRecord, RunState } from "./state.ts";

const refKey = (ref: ValueRef): string => `${ref.ordinal}.${ref.side}`;
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
  /** Actions are left to end after this commit. */
  hasMoreToEnd = false;
  staleEvents = 0;
  #run: RunState | null = null;
  readonly #newActions: NewAction[] = [];
  readonly #actions = new Set<ActionRecord>();
  /** Whether the attempt is new. */
  readonly #attempts = new Map<AttemptRecord, boolean>();
  readonly #values = new Map<string, ValueWrite>();
  readonly #timers = new Map<string, SetTimer[]>();
  readonly #clearedTimers = new Map<string, Command>();

  changeRun(run: RunState): void {
    this.#run = run;
  }

  addAction(action: ActionRecord): void {
    const { ordinal, name, parentOrdinal, node, kind } = action;
    const taskKey = node.target.kind === "task" ? node.target.task.key : null;
    this.#newActions.push({ ordinal, name, parentOrdinal, specNodeId: node.id, kind, taskKey });
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

  /** A value written since the last commit. */
  findValue(ref: ValueRef): Uint8Array | undefined {
    return this.#values.get(refKey(ref))?.bytes;
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
      newActions: [...this.#newActions],
      actions: Array.from(this.#actions, toActionState),
      attempts: Array.from(this.#attempts, ([attempt, isNew]) => ({ ...toAttemptState(attempt), isNew })),
      values: [...this.#values.values()],
      commands: [...this.#commands()],
      staleEvents: this.staleEvents,
    };
  }

  *#commands(): Iterable<Command> {
    for (const [{ ordinal, attempt, phase }, isNew] of this.#attempts)
      if (isNew && phase === "queued") yield { type: "dispatchAttempt", ordinal, attempt };
    for (const timers of this.#timers.values()) yield* timers;
    yield* this.#clearedTimers.values();
    if (this.hasMoreToEnd) yield { type: "continue" };
  }
}

const toRunChange = (run: RunState): RunChange => ({
  phase: run.phase,
  startedAtMs: run.startedAtMs,
  endedAtMs: run.endedAtMs,
  failure: run.failure,
  abortCause: run.abortCause,
  abortPrincipal: run.abortPrincipal,
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

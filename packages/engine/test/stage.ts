import type { CompiledWorkflowClosure } from "@skein/idl/core";
import { advance } from "../src/advance.ts";
import type { ActionState, AttemptState, Changes, NewAction, RunChange } from "../src/changes.ts";
import { type EngineEvent, type Failure, TIMER_KINDS, type TimerKind, type ValueRef } from "../src/event.ts";
import { readProgram } from "../src/graph.ts";
import type { ArraySpec, Program } from "../src/program.ts";
import { ChangeRecorder, refKey } from "../src/recorder.ts";
import type { Reference } from "../src/reference.ts";
import { restoreRun, type StoredArray, type StoredRun } from "../src/restore.ts";
import { DEFAULT_POLICY, type EnginePolicy } from "../src/retry.ts";
import { type EngineLimits, NO_LIMITS } from "../src/run-limits.ts";
import { newRun, type RunState } from "../src/state.ts";
import { integer, literals } from "./closures.ts";

/** The words of an event about an attempt, without what a test seldom cares for. */
type Loose<Event> = Event extends unknown ? Omit<Event, "atMs" | "startedAtMs"> : never;
/** An event as tests write it. */
export type AnyEvent = Loose<EngineEvent> & { readonly atMs?: number; readonly startedAtMs?: number | null };

const keyOf = refKey;

/** A run with the tables that a scheduler would keep for it. `values` is the store, which hands out only what was asked for. */
export class Stage {
  readonly program: Program;
  readonly policy: EnginePolicy;
  run: RunState;
  nowMs = 1_000;
  runRow: RunChange;
  readonly actions = new Map<number, NewAction & ActionState>();
  readonly attempts = new Map<string, AttemptState>();
  readonly values = new Map<string, Uint8Array>();
  /** Literals that tasks offloaded, by their address. */
  readonly offloaded = new Map<string, Uint8Array>();
  readonly timers = new Map<string, number>();
  readonly expansions = new Map<number, Program>();
  /** What maps say, also of those that the engine has forgotten. */
  readonly arrays = new Map<number, ArraySpec>();
  /** What the nodes of actions grant, also of actions that the engine has forgotten. */
  readonly retries = new Map<number, number>();
  /** Values that the engine wrote, which it may do only once. */
  readonly #written = new Set<string>();
  /** What the last advance asked for. */
  commands: Changes["commands"] = [];
  visitedNodes = 0;
  staleEvents = 0;

  constructor(
    closure: CompiledWorkflowClosure,
    policy: Partial<EnginePolicy> = {},
    reference: Reference | null = null,
    limits: Partial<EngineLimits> = {},
  ) {
    this.run = newRun(reference, { ...NO_LIMITS, ...limits });
    this.program = readProgram(closure);
    this.policy = { ...DEFAULT_POLICY, ...policy };
    const { phase, startedAtMs, endedAtMs, failure, abortCause, abortPrincipal } = this.run;
    this.runRow = { phase, startedAtMs, endedAtMs, failure, abortCause, abortPrincipal };
    this.values.set("0.outputs", literals({ x: integer(1) }));
  }

  /** Applies events at the next millisecond, loads what is asked for, commits, and answers the changes. */
  play(...events: readonly AnyEvent[]): Changes {
    const recorder = this.#advance(events);
    const changes = recorder.changes();
    this.visitedNodes += recorder.visitedNodes;
    this.staleEvents += changes.staleEvents;
    this.#commit(changes);
    return changes;
  }

  /** Applies events, and then the commit fails: memory is thrown away, and nothing has happened. */
  playInVain(...events: readonly AnyEvent[]): void {
    this.#advance(events);
    this.restore();
  }

  #advance(events: readonly AnyEvent[]): ChangeRecorder {
    this.nowMs += 1;
    const recorder = new ChangeRecorder();
    const full = events.map((event) => ({ atMs: this.nowMs, startedAtMs: this.nowMs, ...event }) as EngineEvent);
    const loaded = new Map<string, Uint8Array>();
    const source = { get: (ref: ValueRef) => loaded.get(keyOf(ref)) };
    let needed = advance(this.run, this.program, full, source, this.policy, recorder);
    while (needed.length > 0) {
      for (const ref of needed) loaded.set(keyOf(ref), this.#find(ref) ?? new Uint8Array());
      needed = advance(this.run, this.program, [], source, this.policy, recorder);
    }
    return recorder;
  }

  #find(ref: ValueRef): Uint8Array | undefined {
    return ref.uri === undefined ? this.values.get(keyOf(ref)) : this.offloaded.get(ref.uri);
  }

  start(): Changes {
    return this.play({ type: "runStarted" });
  }

  /** Reports of the newest attempt of an action, by its name. */
  started(...names: readonly string[]): Changes {
    return this.play(...names.map((name) => ({ type: "attemptStarted" as const, ...this.idOf(name) })));
  }

  succeeded(...names: readonly string[]): Changes {
    for (const name of names) this.values.set(`${this.idOf(name).ordinal}.outputs`, literals({ x: integer(7) }));
    return this.play(...names.map((name) => ({ type: "attemptSucceeded" as const, ...this.idOf(name) })));
  }

  /** The task of an action wrote a workflow. */
  expanded(name: string, closure: CompiledWorkflowClosure): Changes {
    const id = this.idOf(name);
    const program = readProgram(closure);
    this.expansions.set(id.ordinal, program);
    this.run.expansions.set(id.ordinal, program);
    return this.play({ type: "attemptExpanded", ...id });
  }

  failed(name: string, failure: Partial<Failure> = {}): Changes {
    const whole: Failure = { code: "Boom", message: `${name} broke`, kind: "user", recoverable: false, ...failure };
    return this.play({ type: "attemptFailed", ...this.idOf(name), failure: whole });
  }

  stopped(...names: readonly string[]): Changes {
    return this.play(...names.map((name) => ({ type: "attemptStopped" as const, ...this.idOf(name) })));
  }

  lost(name: string): Changes {
    return this.play({ type: "attemptLost", ...this.idOf(name), message: "agent a1 is gone" });
  }

  abort(): Changes {
    return this.play({ type: "runAbortRequested", cause: "enough", principal: "me" });
  }

  /** Fires an action's timers, whichever are set. */
  fire(name: string): Changes {
    const { ordinal } = this.action(name);
    const due = [...this.timers.keys()].filter((key) => key.startsWith(`${ordinal}.`));
    for (const key of due) this.timers.delete(key);
    return this.play(
      ...due.map((key) => {
        const [, attempt, timer] = key.split(".");
        return {
          type: "timerFired" as const,
          ordinal,
          attempt: Number(attempt),
          timer: timer as TimerKind,
        };
      }),
    );
  }

  action(name: string): NewAction & ActionState {
    const found = [...this.actions.values()].find((action) => action.name === name);
    if (!found) throw new Error(`no action ${name}, but ${[...this.actions.values()].map((action) => action.name)}`);
    return found;
  }

  nameOf(ordinal: number): string {
    return this.actions.get(ordinal)?.name ?? "";
  }

  idOf(name: string): { ordinal: number; attempt: number } {
    const { ordinal, attempts } = this.action(name);
    return { ordinal, attempt: attempts - 1 };
  }

  attempt(name: string, attempt?: number): AttemptState {
    const id = this.idOf(name);
    const found = this.attempts.get(`${id.ordinal}.${attempt ?? id.attempt}`);
    if (!found) throw new Error(`no attempt ${attempt ?? id.attempt} of ${name}`);
    return found;
  }

  value(name: string, side: ValueRef["side"]): Uint8Array | undefined {
    return this.values.get(`${this.action(name).ordinal}.${side}`);
  }

  /** Phases by action name; the run's own under "run". */
  phases(): Record<string, string> {
    const actions = [...this.actions.values()].map(({ name, phase }) => [name, phase]);
    return { run: this.runRow.phase, ...Object.fromEntries(actions) };
  }

  /** As if a crash had come before the commit that wrote it. */
  forgetValue(ref: ValueRef): void {
    this.#written.delete(keyOf(ref));
    this.values.delete(keyOf(ref));
  }

  stored(): StoredRun {
    const actions = [...this.actions.values()].sort((a, b) => a.ordinal - b.ordinal);
    const isItemOver = ({ itemIndex, endedAtMs }: ActionState & NewAction) => itemIndex !== null && endedAtMs !== null;
    return {
      run: this.runRow,
      actions: actions.filter((action) => !isItemOver(action)),
      attempts: [...this.attempts.values()],
      arrays: actions.filter(({ itemCount }) => itemCount !== null).map(({ ordinal }) => this.#storedArray(ordinal)),
      nextOrdinal: Math.max(-1, ...actions.map(({ ordinal, itemCount }) => ordinal + (itemCount ?? 0))) + 1,
      expansions: this.expansions,
      reference: this.run.reference,
      limits: this.run.limits,
    };
  }

  #storedArray(ordinal: number): StoredArray {
    const items = [...this.actions.values()].filter(
      (item) => item.parentOrdinal === ordinal && item.itemIndex !== null,
    );
    const count = (phase: string) => items.filter((item) => item.phase === phase).length;
    return { ordinal, opened: items.length, succeeded: count("succeeded"), failed: count("failed") };
  }

  /** Forgets the run's memory and rebuilds it from the tables. */
  restore(): void {
    this.run = restoreRun(this.program, this.stored(), this.policy);
  }

  #commit(changes: Changes): void {
    this.commands = changes.commands;
    this.runRow = changes.run ?? this.runRow;
    const news = new Map(changes.newActions.map((action) => [action.ordinal, action]));
    for (const ordinal of news.keys()) {
      if (this.actions.has(ordinal)) throw new Error(`action ${ordinal} is made twice`);
      const node = this.run.actions.get(ordinal)?.node;
      this.retries.set(ordinal, node?.retries ?? 0);
      if (node?.target.kind === "array") this.arrays.set(ordinal, node.target.array);
    }
    for (const action of changes.actions) {
      const row = news.get(action.ordinal) ?? this.actions.get(action.ordinal);
      if (!row) throw new Error(`action ${action.ordinal} changed before it was made`);
      this.actions.set(action.ordinal, { ...row, ...action });
    }
    for (const { isNew, ...attempt } of changes.attempts) {
      const key = `${attempt.ordinal}.${attempt.attempt}`;
      if (isNew === this.attempts.has(key)) throw new Error(`attempt ${key} is ${isNew ? "made twice" : "unknown"}`);
      this.attempts.set(key, attempt);
    }
    for (const { bytes, ...ref } of changes.values) {
      if (this.#written.has(keyOf(ref))) throw new Error(`value ${keyOf(ref)} is written twice`);
      this.#written.add(keyOf(ref));
      this.values.set(keyOf(ref), bytes);
    }
    for (const { from, to } of changes.copies) {
      const bytes = this.values.get(keyOf(from));
      if (bytes) this.values.set(keyOf(to), bytes);
    }
    for (const { ordinal, referenceOrdinal } of changes.reusedExpansions) {
      const program = this.run.reference?.expansionOf(referenceOrdinal);
      if (program) this.expansions.set(ordinal, program);
    }
    for (const command of changes.commands) this.#carryOut(command);
  }

  #carryOut(command: Changes["commands"][number]): void {
    if (command.type === "setTimer")
      this.timers.set(`${command.ordinal}.${command.attempt}.${command.timer}`, command.dueAtMs);
    if (command.type === "clearTimers")
      for (const timer of TIMER_KINDS) this.timers.delete(`${command.ordinal}.${command.attempt}.${timer}`);
  }
}

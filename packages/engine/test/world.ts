import type { CompiledWorkflowClosure } from "@skein/idl/core";
import { expect } from "vitest";
import type { Changes } from "../src/changes.ts";
import type { TimerKind } from "../src/event.ts";
import { readProgram } from "../src/graph.ts";
import type { Program } from "../src/program.ts";
import { restoreRun } from "../src/restore.ts";
import type { EngineLimits } from "../src/run-limits.ts";
import { Agents, attemptKey } from "./agents.ts";
import { integer, literals } from "./closures.ts";
import { Errands, Signals } from "./errands.ts";
import { checkLaws, checkRecovery, dump, snapshot } from "./laws.ts";
import type { Random } from "./random.ts";
import { randomClosure, randomExpansion } from "./random-closure.ts";
import { StageReference } from "./references.ts";
import { type AnyEvent, Stage } from "./stage.ts";

const TICKS_MAX = 5_000;

/**
 * A run among careless agents, launch plans, caches and people; timers race with reports; the scheduler forgets the run at
 * any moment.
 */
export class World {
  readonly closure: CompiledWorkflowClosure;
  readonly stage: Stage;
  readonly #random: Random;
  readonly #agents: Agents;
  readonly #errands: Errands;
  readonly #signals: Signals;
  /** What each attempt of a dynamic task wrote. */
  readonly #written = new Map<string, Program>();
  readonly #abortProbability: number;
  readonly #forgetProbability: number;
  #mustContinue = false;

  /** `recovered`: a world whose run is over, for one that recovers it. */
  constructor(random: Random, recovered?: World) {
    this.#random = random;
    this.closure = recovered?.closure ?? randomClosure(random);
    const reference = recovered ? new StageReference(recovered.stage, random, 0.1) : null;
    const policy = {
      systemRetriesMax: 2,
      endingBatchMax: random.between(1, 6),
      openingBatchMax: random.between(1, 4),
      mapWindow: random.between(1, 4),
      nestingMax: random.between(2, 6),
    };
    this.stage = new Stage(this.closure, policy, reference, randomLimits(random));
    for (const [key, bytes] of recovered?.stage.values ?? []) this.stage.values.set(`${key}.reference`, bytes);
    // Half of the worlds are calm, so that long histories come to their end.
    const trouble = random.chance(0.5) ? 1 : 0.15;
    for (const [uri, bytes] of recovered?.stage.offloaded ?? []) this.stage.offloaded.set(uri, bytes);
    this.#agents = new Agents(this.stage, random, trouble);
    this.#errands = new Errands(this.stage, random, trouble);
    this.#signals = new Signals(this.stage, random);
    this.#abortProbability = random.chance(0.3) ? 0.02 : 0;
    this.#forgetProbability = random.pick([0.05, 0.3, 1]) ?? 1;
  }

  /** Plays until the run is over. */
  play(): void {
    if (this.#random.chance(0.02)) this.#deliver([{ type: "runAbortRequested", cause: "early", principal: "me" }]);
    this.#deliver([{ type: "runStarted" }]);
    let ticks = 0;
    while (this.stage.runRow.endedAtMs === null) {
      ticks += 1;
      if (ticks > TICKS_MAX) throw new Error(`the run does not end: ${JSON.stringify(this.stage.phases())}`);
      this.#tick();
    }
    expect([...this.stage.timers.keys()], "no timer is left").toEqual([]);
    expect(this.#errands.liveChildren(), "no child run is left").toEqual([]);
    checkRecovery(this.stage);
    const told = [...this.#agents.outbox, ...this.#errands.told, ...this.#signals.strayAnswers()];
    const late = [...told, ...this.#strayEvents()];
    this.#deliver(late, { isLate: true });
  }

  #tick(): void {
    const random = this.#random;
    const events = [...this.#agents.act(), ...this.#errands.act(), ...this.#signals.act()];
    if (random.chance(0.1)) events.push(...this.#strayEvents());
    if (random.chance(this.#abortProbability))
      events.push({ type: "runAbortRequested", cause: "enough", principal: "me" });
    if (this.#mustContinue) events.push({ type: "continued" });
    events.push(...this.#dueTimers());
    if (random.chance(0.1)) events.push(...events);
    this.#deliver(random.shuffle(events));
    if (random.chance(this.#forgetProbability)) this.#forget();
  }

  #dueTimers(): AnyEvent[] {
    const { stage } = this;
    const next = Math.min(...stage.timers.values());
    if (stage.timers.size > 0 && this.#random.chance(0.2)) stage.nowMs = Math.max(stage.nowMs, next);
    const due = [...stage.timers].filter(([, dueAtMs]) => dueAtMs <= stage.nowMs).map(([key]) => key);
    return due.map((key) => {
      const [ordinal, attempt, timer] = key.split(".");
      stage.timers.delete(key);
      return {
        type: "timerFired" as const,
        ordinal: Number(ordinal),
        attempt: Number(attempt),
        timer: timer as TimerKind,
      };
    });
  }

  #strayEvents(): AnyEvent[] {
    return [...this.#agents.strayReports(), { type: "runStarted" }];
  }

  #deliver(events: readonly AnyEvent[], { isLate = false } = {}): void {
    const { stage } = this;
    for (const event of events) this.#bring(event);
    if (this.#random.chance(0.05)) {
      stage.playInVain(...events);
      for (const event of events) this.#bring(event);
    }
    const before = snapshot(stage);
    const changes = stage.play(...events);
    this.#keepExpansions(events);
    checkLaws(stage, before, changes);
    if (isLate) expectNothing(changes, events.length);
    for (const party of [this.#agents, this.#errands, this.#signals]) party.take(changes);
    this.#mustContinue = changes.commands.some(({ type }) => type === "continue");
  }

  /** What is in place before an event is applied: outputs, or the workflow that a task wrote. */
  #bring(event: AnyEvent): void {
    const { stage } = this;
    const hasOutputs =
      event.type === "attemptSucceeded" ||
      (event.type === "childEnded" && event.phase === "succeeded") ||
      (event.type === "cacheChecked" && event.status === "hit") ||
      (event.type === "signalSet" && event.approved === null);
    if (hasOutputs && !stage.values.has(`${event.ordinal}.outputs`))
      stage.values.set(`${event.ordinal}.outputs`, literals({ x: integer(this.#random.between(0, 3)) }));
    if (event.type !== "attemptExpanded") return;
    const isLive = stage.attempts.get(attemptKey(event))?.endedAtMs === null;
    const written = this.#written.get(attemptKey(event)) ?? readProgram(randomExpansion(this.#random));
    this.#written.set(attemptKey(event), written);
    if (isLive) stage.run.expansions.set(event.ordinal, written);
  }

  /** A workflow is kept with the commit that begins it, and only then. */
  #keepExpansions(events: readonly AnyEvent[]): void {
    const { run, actions, expansions } = this.stage;
    for (const event of events) {
      if (event.type !== "attemptExpanded") continue;
      const program = run.expansions.get(event.ordinal);
      if (actions.get(event.ordinal)?.isExpanded && program) expansions.set(event.ordinal, program);
      else run.expansions.delete(event.ordinal);
    }
  }

  /** The scheduler restarts: what it rebuilds from rows must be what it had. */
  #forget(): void {
    const { stage } = this;
    const restored = restoreRun(stage.program, stage.stored(), stage.policy);
    expect(dump(restored)).toEqual(dump(stage.run));
    stage.run = restored;
    this.#mustContinue = true;
  }
}

/** Half of the runs have no limit on what is under way. */
const randomLimits = (random: Random): EngineLimits => ({
  maxParallelism: Math.max(0, random.between(-3, 3)),
  queueTimeoutMs: random.chance(0.2) ? random.between(20, 200) : 0,
  memoryGrowth: random.chance(0.5) ? { factor: 2, maxMiB: 5 } : null,
});

function expectNothing(changes: Changes, eventCount: number): void {
  const nothing = {
    run: null,
    newActions: [],
    actions: [],
    attempts: [],
    values: [],
    copies: [],
    reusedExpansions: [],
    commands: [],
  };
  expect(changes).toEqual({ ...nothing, staleEvents: eventCount });
}

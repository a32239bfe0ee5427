import { expect } from "vitest";
import type { Changes } from "../src/changes.ts";
import type { Failure } from "../src/event.ts";
import { restoreRun } from "../src/restore.ts";
import { integer, literals } from "./closures.ts";
import { checkLaws, dump, snapshot } from "./laws.ts";
import type { Random } from "./random.ts";
import { randomClosure } from "./random-closure.ts";
import { type AnyEvent, Stage } from "./stage.ts";

interface Attempt {
  readonly ordinal: number;
  readonly attempt: number;
}

const keyOf = ({ ordinal, attempt }: Attempt): string => `${ordinal}.${attempt}`;
const TICKS_MAX = 5_000;

/**
 * A run among careless agents: reports come late, twice, in any order, or only after being sent again and again; agents
 * die; timers race with reports; the scheduler forgets the run at any moment.
 */
export class World {
  readonly stage: Stage;
  readonly #random: Random;
  /** Orders that no agent has taken. */
  readonly #orders = new Map<string, Attempt>();
  readonly #running = new Map<string, Attempt>();
  /** Reports that agents send until their attempt is over. */
  readonly #outbox: AnyEvent[] = [];
  readonly #abortProbability: number;
  #mustContinue = false;

  constructor(random: Random) {
    this.#random = random;
    this.stage = new Stage(randomClosure(random), { endingBatchMax: random.between(1, 6), systemRetriesMax: 2 });
    this.#abortProbability = random.chance(0.3) ? 0.02 : 0;
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
    this.#deliver([...this.#outbox, ...this.#strayEvents()], { isLate: true });
  }

  #tick(): void {
    const random = this.#random;
    this.#agentsAct();
    this.#heartbeat();
    const events: AnyEvent[] = this.#outbox.filter(() => random.chance(0.4));
    if (random.chance(0.1)) events.push(...this.#strayEvents());
    if (random.chance(this.#abortProbability))
      events.push({ type: "runAbortRequested", cause: "enough", principal: "me" });
    if (this.#mustContinue) events.push({ type: "continued" });
    events.push(...this.#dueTimers());
    if (random.chance(0.1)) events.push(...events);
    this.#deliver(random.shuffle(events));
    if (random.chance(0.2)) this.#forget();
  }

  #agentsAct(): void {
    const random = this.#random;
    for (const [key, id] of this.#orders) {
      if (!random.chance(0.5)) continue;
      this.#orders.delete(key);
      // An order is taken only while its attempt is queued: that is what a claim checks.
      if (this.stage.attempts.get(key)?.phase !== "queued") continue;
      if (random.chance(0.3)) this.#finish(id);
      else this.#running.set(key, id);
      if (random.chance(0.8)) this.#outbox.push({ type: "attemptStarted", ...id });
    }
    for (const [key, id] of this.#running) {
      if (!random.chance(0.15)) continue;
      this.#running.delete(key);
      this.#finish(id);
    }
  }

  #finish(id: Attempt): void {
    const dice = this.#random.next();
    const failure = (kind: Failure["kind"], recoverable: boolean): Failure => ({
      code: "Boom",
      message: "m",
      kind,
      recoverable,
    });
    if (dice < 0.8) this.#outbox.push({ type: "attemptSucceeded", ...id });
    else if (dice < 0.88) this.#outbox.push({ type: "attemptFailed", ...id, failure: failure("user", true) });
    else if (dice < 0.9) this.#outbox.push({ type: "attemptFailed", ...id, failure: failure("user", false) });
    else if (dice < 0.95) this.#outbox.push({ type: "attemptFailed", ...id, failure: failure("system", true) });
    else this.#outbox.push({ type: "attemptLost", ...id, message: "gone" });
  }

  /** Agents stop what they are told to stop, and forget what is over. */
  #heartbeat(): void {
    for (const [key, { ordinal, attempt, phase }] of this.stage.attempts) {
      if (phase !== "aborting" || !this.#random.chance(0.5)) continue;
      this.#running.delete(key);
      this.#outbox.push({ type: "attemptStopped", ordinal, attempt });
    }
    for (const key of this.#running.keys())
      if (this.stage.attempts.get(key)?.endedAtMs != null) this.#running.delete(key);
    const unsettled = this.#outbox.filter(
      (event) => !("attempt" in event) || this.stage.attempts.get(keyOf(event))?.endedAtMs == null,
    );
    if (this.#random.chance(0.7)) this.#outbox.splice(0, this.#outbox.length, ...unsettled);
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
        timer: timer as "deadline" | "backoff",
      };
    });
  }

  /** Events about attempts that are over, or that never were. */
  #strayEvents(): AnyEvent[] {
    const over = [...this.stage.attempts.values()].filter(({ endedAtMs }) => endedAtMs !== null);
    const { ordinal, attempt } = this.#random.pick(over) ?? { ordinal: 99, attempt: 0 };
    const failure: Failure = { code: "Late", message: "m", kind: "user", recoverable: false };
    return [
      { type: "attemptSucceeded", ordinal, attempt },
      { type: "attemptFailed", ordinal, attempt, failure },
      { type: "attemptStopped", ordinal, attempt },
      { type: "attemptStarted", ordinal, attempt },
      { type: "timerFired", ordinal, attempt, timer: "deadline" },
      { type: "timerFired", ordinal, attempt, timer: "backoff" },
      { type: "attemptLost", ordinal: 9_999, attempt: 0, message: "never was" },
      { type: "runStarted" },
    ];
  }

  #deliver(events: readonly AnyEvent[], { isLate = false } = {}): void {
    const { stage } = this;
    for (const event of events)
      if (event.type === "attemptSucceeded") stage.values.set(`${event.ordinal}.outputs`, literals({ x: integer(7) }));
    const before = snapshot(stage);
    const changes = stage.play(...events);
    checkLaws(stage, before, changes);
    if (isLate) expectNothing(changes, events.length);
    for (const command of changes.commands)
      if (command.type === "dispatchAttempt")
        this.#orders.set(keyOf(command), { ordinal: command.ordinal, attempt: command.attempt });
    this.#mustContinue = changes.commands.some(({ type }) => type === "continue");
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

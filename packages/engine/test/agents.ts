import type { Changes } from "../src/changes.ts";
import type { Failure } from "../src/event.ts";
import type { Random } from "./random.ts";
import { DYNAMIC_TASK } from "./random-closure.ts";
import type { AnyEvent, Stage } from "./stage.ts";

/** One try of one action. */
export interface AttemptId {
  readonly ordinal: number;
  readonly attempt: number;
}

export const attemptKey = ({ ordinal, attempt }: AttemptId): string => `${ordinal}.${attempt}`;

/** Careless agents: their reports come late, twice, in any order, or only after being sent again and again. */
export class Agents {
  readonly #stage: Stage;
  readonly #random: Random;
  /** Orders that no agent has taken. */
  readonly #orders = new Map<string, AttemptId>();
  readonly #running = new Map<string, AttemptId>();
  /** Reports that agents send until their attempt is over. */
  readonly outbox: AnyEvent[] = [];

  readonly #trouble: number;

  /** `trouble`: how much goes wrong, from 0 to 1. */
  constructor(stage: Stage, random: Random, trouble: number) {
    this.#stage = stage;
    this.#random = random;
    this.#trouble = trouble;
  }

  take({ commands }: Changes): void {
    for (const command of commands)
      if (command.type === "dispatchAttempt")
        this.#orders.set(attemptKey(command), { ordinal: command.ordinal, attempt: command.attempt });
  }

  /** What the agents send now. */
  act(): AnyEvent[] {
    const random = this.#random;
    for (const [key, id] of this.#orders) {
      if (!random.chance(0.5)) continue;
      this.#orders.delete(key);
      // An order is taken only while its attempt is queued: that is what a claim checks.
      if (this.#stage.attempts.get(key)?.phase !== "queued") continue;
      if (random.chance(0.3)) this.#finish(id);
      else this.#running.set(key, id);
      if (random.chance(0.8)) this.outbox.push({ type: "attemptStarted", ...id });
    }
    for (const [key, id] of this.#running) {
      if (!random.chance(0.15)) continue;
      this.#running.delete(key);
      this.#finish(id);
    }
    this.#heartbeat();
    return this.outbox.filter(() => random.chance(0.4));
  }

  #finish(id: AttemptId): void {
    const random = this.#random;
    const isDynamic = this.#stage.actions.get(id.ordinal)?.taskKey === DYNAMIC_TASK;
    if (!random.chance(0.2 * this.#trouble)) {
      this.outbox.push({ type: isDynamic && random.chance(0.8) ? "attemptExpanded" : "attemptSucceeded", ...id });
      return;
    }
    const dice = random.next();
    const failure = { code: "Boom", message: "m", kind: "user" as Failure["kind"], recoverable: true };
    if (dice < 0.1) this.outbox.push({ type: "attemptFailed", ...id, failure: { ...failure, code: "OOMKilled" } });
    else if (dice < 0.4) this.outbox.push({ type: "attemptFailed", ...id, failure });
    else if (dice < 0.5)
      this.outbox.push({ type: "attemptFailed", ...id, failure: { ...failure, recoverable: false } });
    else if (dice < 0.75) this.outbox.push({ type: "attemptFailed", ...id, failure: { ...failure, kind: "system" } });
    else this.outbox.push({ type: "attemptLost", ...id, message: "gone" });
  }

  /** Agents stop what they are told to stop, and forget what is over. */
  #heartbeat(): void {
    const { attempts } = this.#stage;
    for (const [key, { ordinal, attempt, phase }] of attempts) {
      if (phase !== "aborting" || !this.#random.chance(0.5)) continue;
      this.#running.delete(key);
      this.outbox.push({ type: "attemptStopped", ordinal, attempt });
    }
    for (const key of this.#running.keys()) if (attempts.get(key)?.endedAtMs != null) this.#running.delete(key);
    const unsettled = this.outbox.filter(
      (event) => !("attempt" in event) || attempts.get(attemptKey(event))?.endedAtMs == null,
    );
    if (this.#random.chance(0.7)) this.outbox.splice(0, this.outbox.length, ...unsettled);
  }

  /** Reports about attempts that are over, or that never were. */
  strayReports(): AnyEvent[] {
    const over = [...this.#stage.attempts.values()].filter(({ endedAtMs }) => endedAtMs !== null);
    const { ordinal, attempt } = this.#random.pick(over) ?? { ordinal: 999_999, attempt: 0 };
    const failure: Failure = { code: "Late", message: "m", kind: "user", recoverable: false };
    return [
      { type: "attemptSucceeded", ordinal, attempt },
      { type: "attemptExpanded", ordinal, attempt },
      { type: "attemptFailed", ordinal, attempt, failure },
      { type: "attemptStopped", ordinal, attempt },
      { type: "attemptStarted", ordinal, attempt },
      { type: "timerFired", ordinal, attempt, timer: "deadline" },
      { type: "timerFired", ordinal, attempt, timer: "backoff" },
      { type: "timerFired", ordinal, attempt, timer: "queue" },
      { type: "attemptLost", ordinal: 999_999, attempt: 0, message: "never was" },
    ];
  }
}

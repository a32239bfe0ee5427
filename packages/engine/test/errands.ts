import { create } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import { LiteralMapSchema, LiteralSchema } from "@skein/idl/core";
import type { Changes } from "../src/changes.ts";
import type { Command } from "../src/command.ts";
import type { Failure } from "../src/event.ts";
import { OutputGatherer } from "../src/literal/gather.ts";
import { type AttemptId, attemptKey } from "./agents.ts";
import { literals } from "./closures.ts";
import type { Random } from "./random.ts";
import type { AnyEvent, Stage } from "./stage.ts";

type Errand = Extract<Command, { type: "runErrand" }>;
type ChildEnd = Extract<AnyEvent, { type: "childEnded" }>;

const failureOf = (code: string): Failure => ({ code, message: "m", kind: "user", recoverable: false });

export const GATHERING_FAILED = "GatheringFailed";

/** A scheduler that carries errands out late, or twice, and child runs that end as they like. */
export class Errands {
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #asked = new Set<string>();
  readonly #waiting = new Map<string, Errand>();
  /** Child runs by the attempt that they are, with their end once it has come. */
  readonly #children = new Map<string, AttemptId & { readonly end: ChildEnd | null }>();
  /** Facts that were told once, to be told again. */
  readonly told: AnyEvent[] = [];

  readonly #trouble: number;

  /** `trouble`: how much goes wrong, from 0 to 1. */
  constructor(stage: Stage, random: Random, trouble: number) {
    this.#stage = stage;
    this.#random = random;
    this.#trouble = trouble;
  }

  take({ commands }: Changes): void {
    for (const command of commands) {
      if (command.type !== "runErrand") continue;
      const key = `${command.errand}.${attemptKey(command)}`;
      if (this.#asked.has(key)) throw new Error(`${key} is asked for twice`);
      this.#asked.add(key);
      this.#waiting.set(key, command);
    }
  }

  /** Child runs that have begun, or are about to, and have not ended. */
  liveChildren(): string[] {
    const begun = [...this.#children].filter(([, { end }]) => end === null).map(([key]) => key);
    const launches = [...this.#waiting.values()].filter(({ errand }) => errand === "launch_child").map(attemptKey);
    return [...begun, ...launches.filter((key) => !this.#children.has(key))];
  }

  /** What is learnt now. */
  act(): AnyEvent[] {
    const random = this.#random;
    const events: AnyEvent[] = [];
    for (const child of this.#children.values())
      if (child.end === null && random.chance(0.2)) events.push(this.#endChild(child));
    for (const [key, errand] of this.#waiting) {
      if (!random.chance(0.4)) continue;
      // A crash between doing it and the commit that would have told so.
      if (random.chance(0.9)) this.#waiting.delete(key);
      events.push(...this.#carryOut(errand));
    }
    this.told.push(...events);
    if (random.chance(0.1)) events.push(...this.told.filter(() => random.chance(0.2)));
    return events;
  }

  #carryOut({ errand, ordinal, attempt }: Errand): AnyEvent[] {
    switch (errand) {
      case "check_cache":
        return [this.#checkCache(ordinal)];
      case "gather_outputs":
        return [this.#gather(ordinal)];
      case "launch_child":
        return this.#launch({ ordinal, attempt });
      default:
        return [this.#abort({ ordinal, attempt })];
    }
  }

  #checkCache(ordinal: number): AnyEvent {
    const dice = this.#random.next();
    if (dice < 0.35) return { type: "cacheChecked", ordinal, status: "hit", key: "k" };
    if (dice < 0.8) return { type: "cacheChecked", ordinal, status: "miss", key: "k" };
    if (dice < 0.9) return { type: "cacheChecked", ordinal, status: "skipped", key: "k" };
    return { type: "cacheChecked", ordinal, status: "lookup_failure", key: null };
  }

  /** The lists are made of what the items really handed out. */
  #gather(ordinal: number): AnyEvent {
    if (this.#random.chance(0.05 * this.#trouble))
      return { type: "gatheringFailed", ordinal, failure: failureOf(GATHERING_FAILED) };
    const { actions, values } = this.#stage;
    const gatherer = new OutputGatherer(["x"]);
    for (let index = 0; index < (actions.get(ordinal)?.itemCount ?? 0); index += 1) {
      const item = ordinal + 1 + index;
      const isDone = actions.get(item)?.phase === "succeeded";
      gatherer.add(isDone ? (values.get(`${item}.outputs`) ?? null) : null);
    }
    const outputs = gatherer.finish();
    values.set(`${ordinal}.outputs`, this.#random.chance(0.2) ? this.#offload(outputs) : outputs);
    return { type: "outputsGathered", ordinal };
  }

  #offload(outputs: Uint8Array): Uint8Array {
    const uri = `s3://b/${this.#stage.offloaded.size}`;
    const whole = fromBytes(LiteralMapSchema, outputs).literals.x ?? create(LiteralSchema);
    this.#stage.offloaded.set(uri, toBytes(LiteralSchema, whole));
    return literals({ x: { value: { case: "offloadedMetadata", value: { uri } } } });
  }

  #launch(id: AttemptId): AnyEvent[] {
    const known = this.#children.get(attemptKey(id));
    if (known) return known.end ? [known.end] : [];
    const child = { ...id, end: null };
    this.#children.set(attemptKey(id), child);
    return this.#random.chance(0.05 * this.#trouble) ? [this.#end(child, "failed")] : [];
  }

  #abort(id: AttemptId): AnyEvent {
    const known = this.#children.get(attemptKey(id));
    if (known?.end) return known.end;
    this.#waiting.delete(`launch_child.${attemptKey(id)}`);
    return known && this.#random.chance(0.2) ? this.#endChild(known) : this.#end(id, "aborted");
  }

  #endChild(child: AttemptId): AnyEvent {
    if (!this.#random.chance(0.25 * this.#trouble)) return this.#end(child, "succeeded");
    return this.#end(child, this.#random.chance(0.7) ? "failed" : "aborted");
  }

  #end({ ordinal, attempt }: AttemptId, phase: ChildEnd["phase"]): ChildEnd {
    const failure = phase === "failed" ? failureOf("ChildBoom") : null;
    const end: ChildEnd = { type: "childEnded", ordinal, attempt, phase, failure };
    this.#children.set(attemptKey(end), { ordinal, attempt, end });
    return end;
  }
}

/** People who answer gates: late, twice, or with no. */
export class Signals {
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #open = new Map<number, "approve" | "signal">();

  constructor(stage: Stage, random: Random) {
    this.#stage = stage;
    this.#random = random;
  }

  take({ commands }: Changes): void {
    for (const command of commands) {
      if (command.type !== "openSignal") continue;
      const target = this.#stage.run.actions.get(command.ordinal)?.node.target;
      if (target?.kind === "gate" && target.gate.type !== "sleep") this.#open.set(command.ordinal, target.gate.type);
    }
  }

  act(): AnyEvent[] {
    return [...this.#open.keys()].filter(() => this.#random.chance(0.15)).map((ordinal) => this.#answer(ordinal));
  }

  /** Answers to all gates that there were. */
  strayAnswers(): AnyEvent[] {
    return [...this.#open.keys()].map((ordinal) => this.#answer(ordinal));
  }

  #answer(ordinal: number): AnyEvent {
    const approved = this.#open.get(ordinal) === "signal" ? null : this.#random.chance(0.85);
    return { type: "signalSet", ordinal, approved, principal: "me" };
  }
}

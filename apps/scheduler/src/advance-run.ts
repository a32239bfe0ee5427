import { type AttemptReport, attemptToken, tokenHash, type Value } from "@skein/contracts";
import type { NewOrder, NewValue, RunAdvance } from "@skein/db";
import {
  advance,
  ChangeRecorder,
  type Changes,
  DEFAULT_POLICY,
  isTerminalAction,
  type RunState,
  type ValueRef,
} from "@skein/engine";
import type { Fact } from "./inbox.ts";
import type { CachedRun } from "./run-cache.ts";
import type { LocatedValue, Values } from "./values.ts";

/** What a scheduler must know to turn an engine's decisions into rows. */
export interface AdvanceSettings {
  readonly secretKey: string;
  readonly pool: string;
}

const keyOf = ({ ordinal, side }: ValueRef): string => `${ordinal}/${side}`;
const attemptKeyOf = ({ ordinal, attempt }: { ordinal: number; attempt: number }): string => `${ordinal}.${attempt}`;

/** One run on its way from facts to rows: `begin`, then `resume` while values are missing, then `finish`. */
export class RunStep {
  readonly run: CachedRun;
  readonly facts: readonly Fact[];
  readonly #values: Values;
  readonly #recorder = new ChangeRecorder();
  /** Values that are not in rows yet, or that were loaded for this step. */
  readonly #atHand = new Map<string, Uint8Array>();
  /** Reported outputs that are in the object store, and whose rows this step has yet to write. */
  readonly #uris = new Map<string, string>();

  constructor(run: CachedRun, facts: readonly Fact[], values: Values) {
    this.run = run;
    this.facts = facts;
    this.#values = values;
  }

  /** Applies the facts and answers the values that are needed to go on. */
  begin(): readonly ValueRef[] {
    for (const { report } of this.facts) {
      if (report?.outcome.type !== "succeeded" || !isCurrent(this.run.state, report)) continue;
      const { outputs } = report.outcome;
      const key = keyOf({ ordinal: report.ordinal, side: "outputs" });
      const bytes = inlineBytes(outputs);
      if (bytes) this.#atHand.set(key, bytes);
      else if ("uri" in outputs) this.#uris.set(key, outputs.uri);
    }
    return this.#advance(this.facts.map(({ event }) => event));
  }

  /** How to find a value: a reported one has no row yet. */
  locate(ref: ValueRef): LocatedValue {
    return { ...ref, runId: this.run.runId, uri: this.#uris.get(keyOf(ref)) };
  }

  /** Goes on with values that were loaded. */
  resume(loaded: readonly (readonly [ValueRef, Uint8Array])[]): readonly ValueRef[] {
    for (const [ref, bytes] of loaded) this.#atHand.set(keyOf(ref), bytes);
    return this.#advance([]);
  }

  /** The rows to write, and what the engine decided. */
  async finish(settings: AdvanceSettings): Promise<{ advance: RunAdvance; changes: Changes }> {
    const { run, facts } = this;
    const changes = this.#recorder.changes();
    const ended = new Map(changes.attempts.map((attempt) => [attemptKeyOf(attempt), attempt]));
    const values = await Promise.all(changes.values.map((value) => this.#values.toRow(run, value)));
    const reporters = new Map<string, string>();
    const deckUris = new Map<number, string>();
    for (const { report } of facts) {
      const attempt = report && ended.get(attemptKeyOf(report));
      if (!attempt) continue;
      reporters.set(attemptKeyOf(report), report.agentId);
      const { outcome } = report;
      if ((outcome.type === "succeeded" || outcome.type === "failed") && outcome.deckUri !== undefined) {
        deckUris.set(report.ordinal, outcome.deckUri);
      }
      if (outcome.type === "succeeded" && attempt.phase === "succeeded")
        values.push(await this.#outputsRow(report.ordinal, outcome.outputs));
    }
    return {
      changes,
      advance: {
        runId: run.runId,
        version: run.version,
        changes,
        values,
        orders: ordersOf(run, changes, settings),
        reporters,
        deckUris,
        appliedEvents: facts.map(({ event }) => event),
        eventIds: facts.flatMap(({ eventId }) => (eventId === undefined ? [] : [eventId])),
      },
    };
  }

  /** To be called after the commit: what was written is likely to be read next. */
  keepValues(changes: Changes): void {
    const { runId } = this.run;
    for (const { ordinal, side, bytes } of changes.values) this.#values.keep({ runId, ordinal, side }, bytes);
    for (const [key, bytes] of this.#atHand) {
      const [ordinal, side] = key.split("/");
      if (side === "inputs" || side === "outputs") this.#values.keep({ runId, ordinal: Number(ordinal), side }, bytes);
    }
  }

  #advance(events: Fact["event"][]): readonly ValueRef[] {
    const { runId, state, program } = this.run;
    const values = { get: (ref: ValueRef) => this.#atHand.get(keyOf(ref)) ?? this.#values.cached({ runId, ...ref }) };
    return advance(state, program, events, values, DEFAULT_POLICY, this.#recorder);
  }

  #outputsRow(ordinal: number, value: Value): Promise<NewValue> | NewValue {
    const bytes = inlineBytes(value);
    if (bytes) return this.#values.toRow(this.run, { ordinal, side: "outputs", bytes });
    const { uri, sizeBytes } = value as Extract<Value, { uri: string }>;
    return { ordinal, side: "outputs", data: null, uri, sizeBytes };
  }
}

const inlineBytes = (value: Value): Uint8Array | undefined =>
  "data" in value ? Buffer.from(value.data, "base64") : undefined;

/** A late report must not lend its outputs to the attempt that followed. */
function isCurrent(state: RunState, report: AttemptReport): boolean {
  const action = state.actions.get(report.ordinal);
  return action !== undefined && !isTerminalAction(action.phase) && action.attempts - 1 === report.attempt;
}

function ordersOf({ runId, state, program }: CachedRun, changes: Changes, settings: AdvanceSettings): NewOrder[] {
  const dispatched = new Set(
    changes.commands.flatMap((command) => (command.type === "dispatchAttempt" ? [attemptKeyOf(command)] : [])),
  );
  return changes.attempts
    .filter(({ isNew }) => isNew)
    .map(({ ordinal, attempt }) => {
      const id = { runId, ordinal, attempt };
      const target = state.actions.get(ordinal)?.node.target;
      const kind =
        target?.kind === "task" ? (program.tasks.get(target.task.key)?.orderKind ?? "container") : "container";
      const hash = tokenHash(attemptToken(settings.secretKey, id));
      return { id, kind, pool: settings.pool, tokenHash: hash, isDispatched: dispatched.has(attemptKeyOf(id)) };
    });
}

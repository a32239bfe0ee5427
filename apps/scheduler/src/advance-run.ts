import type { NewValue, Reporter, RunAdvance } from "@skein/db";
import {
  type ActionRecord,
  type ActionState,
  type AttemptState,
  advance,
  ChangeRecorder,
  type Changes,
  DEFAULT_POLICY,
  type ValueRef,
} from "@skein/engine";
import { type ArtifactLink, artifactLinks, mayHoldArtifacts } from "./artifact-links.ts";
import { type BroughtOutputs, broughtBy } from "./brought-outputs.ts";
import type { Fact } from "./inbox.ts";
import type { CachedRun } from "./run-cache.ts";
import {
  type AdvanceSettings,
  cachePutsOf,
  copiedRows,
  isAnnounced,
  ordersOf,
  parentNewsOf,
  signalsOf,
} from "./run-writes.ts";
import type { LocatedValue, Values } from "./values.ts";

const keyOf = ({ ordinal, side, of, uri }: ValueRef): string => `${ordinal}/${side}/${of ?? ""}/${uri ?? ""}`;
const outputsOf = (ordinal: number): ValueRef => ({ ordinal, side: "outputs" });
const attemptKeyOf = ({ ordinal, attempt }: { ordinal: number; attempt: number }): string => `${ordinal}.${attempt}`;

/** One run on its way from facts to rows: `begin`, then `resume` while values are missing, then `finish`. */
export class RunStep {
  readonly run: CachedRun;
  readonly facts: readonly Fact[];
  readonly #values: Values;
  readonly #recorder = new ChangeRecorder();
  /** Values that are not in rows yet, or that were loaded for this step. */
  readonly #atHand = new Map<string, { readonly ref: ValueRef; readonly bytes: Uint8Array }>();
  /** Outputs that came with facts and whose rows this step has yet to write. */
  readonly #brought: BroughtOutputs[] = [];
  /** Actions that facts are about, and what those are a part of: the engine forgets items of maps that end. */
  readonly #records = new Map<number, ActionRecord>();

  constructor(run: CachedRun, facts: readonly Fact[], values: Values) {
    this.run = run;
    this.facts = facts;
    this.#values = values;
  }

  /** Applies the facts and answers the values that are needed to go on. */
  begin(): readonly ValueRef[] {
    const { state } = this.run;
    for (const fact of this.facts) {
      const { event, expansion } = fact;
      if (!("ordinal" in event)) continue;
      this.#remember(state.actions.get(event.ordinal));
      if (expansion) state.expansions.set(event.ordinal, expansion.program);
      const brought = broughtBy(fact, state);
      if (!brought) continue;
      this.#brought.push(brought);
      const ref = outputsOf(event.ordinal);
      if (brought.data) this.#atHand.set(keyOf(ref), { ref, bytes: brought.data });
    }
    return this.#advance(this.facts.map(({ event }) => event));
  }

  /** How to find a value: one that was brought has no row yet, one of the recovered run is that run's. */
  locate(ref: ValueRef): LocatedValue {
    const { ordinal, side } = ref;
    const { runId, referenceRunId } = this.run;
    const brought = this.#brought.find(
      (value) => side === "outputs" && value.ordinal === ordinal && value.uri !== null,
    );
    if (ref.of && referenceRunId !== null) return { runId: referenceRunId, ordinal, side };
    return { runId, ordinal, side, uri: brought?.uri ?? undefined };
  }

  /** Goes on with values that were loaded. */
  resume(loaded: readonly (readonly [ValueRef, Uint8Array])[]): readonly ValueRef[] {
    for (const [ref, bytes] of loaded) this.#atHand.set(keyOf(ref), { ref, bytes });
    return this.#advance([]);
  }

  /** The rows to write, and what the engine decided. */
  async finish(settings: AdvanceSettings): Promise<{ advance: RunAdvance; changes: Changes }> {
    const { run, facts } = this;
    const changes = this.#recorder.changes();
    const states = new Map(changes.actions.map((action) => [action.ordinal, action]));
    const attempts = new Map(changes.attempts.map((attempt) => [attemptKeyOf(attempt), attempt]));
    const accepted = this.#brought.filter((brought) => isAccepted(brought, states, attempts));
    const written = [
      ...(await Promise.all(changes.values.map((value) => this.#values.toRow(run, value)))),
      ...(await Promise.all(accepted.map((brought) => this.#outputsRow(brought)))),
    ];
    const { rows, left: copies } = copiedRows(changes.copies, written);
    const cachePuts = cachePutsOf(changes, written, (ordinal) => this.#recordOf(ordinal));
    const hits = facts.flatMap(({ event, errand }) => {
      const isHit = "ordinal" in event && states.get(event.ordinal)?.cacheStatus === "hit";
      return isHit && errand?.cacheEntryId !== undefined ? [[event.ordinal, errand.cacheEntryId] as const] : [];
    });
    return {
      changes,
      advance: {
        runId: run.runId,
        version: run.version,
        changes,
        values: [...written, ...rows],
        copies,
        orders: ordersOf(run, changes, settings),
        ...reportersOf(facts, attempts),
        signals: signalsOf(run, changes),
        expansions: await this.#expansionRows(attempts),
        cachePuts,
        cacheEntryIds: new Map([...hits, ...cachePuts.map(({ ordinal, entryId }) => [ordinal, entryId] as const)]),
        links: await this.#links(changes, accepted),
        parentNews: parentNewsOf(run, changes, written),
        isAnnounced: isAnnounced(run, changes, settings),
        appliedEvents: facts.map(({ event }) => event),
        eventIds: facts.flatMap(({ eventId }) => (eventId === undefined ? [] : [eventId])),
        errandIds: facts.flatMap(({ errand }) => (errand ? [errand.id] : [])),
      },
    };
  }

  /** To be called after the commit: what was written is likely to be read next, and what items wrote that are over is not. */
  afterCommit(changes: Changes): void {
    const { runId, state } = this.run;
    for (const { ordinal, isExpanded } of changes.actions) {
      if (isExpanded && !state.actions.has(ordinal)) state.expansions.delete(ordinal);
    }
    for (const { event, expansion } of this.facts) {
      const isTaken = "ordinal" in event && state.actions.get(event.ordinal)?.isExpanded;
      if (expansion && "ordinal" in event && !isTaken) state.expansions.delete(event.ordinal);
    }
    for (const { ordinal, side, bytes } of changes.values) this.#values.keep({ runId, ordinal, side }, bytes);
    for (const { ref, bytes } of this.#atHand.values()) {
      const { ordinal, side, of, uri } = ref;
      if (of === undefined && uri === undefined) this.#values.keep({ runId, ordinal, side }, bytes);
    }
  }

  #advance(events: Fact["event"][]): readonly ValueRef[] {
    const { runId, state, program } = this.run;
    const cached = ({ ordinal, side, of, uri }: ValueRef) =>
      of === undefined && uri === undefined ? this.#values.cached({ runId, ordinal, side }) : undefined;
    const values = { get: (ref: ValueRef) => this.#atHand.get(keyOf(ref))?.bytes ?? cached(ref) };
    return advance(state, program, events, values, DEFAULT_POLICY, this.#recorder);
  }

  #remember(record: ActionRecord | undefined): void {
    for (let action = record ?? null; action && !this.#records.has(action.ordinal); action = action.frame.owner) {
      this.#records.set(action.ordinal, action);
    }
  }

  #recordOf(ordinal: number): ActionRecord | undefined {
    return this.#records.get(ordinal) ?? this.run.state.actions.get(ordinal);
  }

  #outputsRow({ ordinal, data, uri, sizeBytes }: BroughtOutputs): Promise<NewValue> | NewValue {
    if (data && uri === null) return this.#values.toRow(this.run, { ordinal, side: "outputs", bytes: data });
    return { ordinal, side: "outputs", data: null, uri, sizeBytes };
  }

  /** One row an action, though reports may come twice: an attempt that does not change has written its row already. */
  async #expansionRows(attempts: ReadonlyMap<string, AttemptState>): Promise<RunAdvance["expansions"]> {
    const expanded = new Map(
      this.facts.flatMap(({ event, expansion }) =>
        expansion && event.type === "attemptExpanded" && attempts.get(attemptKeyOf(event))?.phase === "succeeded"
          ? [[event.ordinal, expansion] as const]
          : [],
      ),
    );
    return Promise.all(
      Array.from(expanded, async ([ordinal, { compiled: bytes, specUri }]) => {
        const { data: compiled, uri } = await this.#values.place(this.run, `${ordinal}-expansion`, bytes);
        return { ordinal, compiled, uri, specUri };
      }),
    );
  }

  /** The objects in what was written. */
  async #links(changes: Changes, accepted: readonly BroughtOutputs[]): Promise<ArtifactLink[]> {
    const outputs = await Promise.all(
      accepted.map(async ({ ordinal, data }) => {
        const node = this.#recordOf(ordinal)?.node;
        const isRead = data === null && node && mayHoldArtifacts(node, "outputs");
        const [read] = isRead ? await this.#values.load([this.locate(outputsOf(ordinal))]) : [];
        return { ordinal, side: "outputs" as const, bytes: data ?? read };
      }),
    );
    return [...changes.values, ...outputs].flatMap(({ ordinal, side, bytes }) => {
      const node = this.#recordOf(ordinal)?.node;
      return node && bytes ? artifactLinks(node, { ordinal, side, bytes }) : [];
    });
  }
}

/** Whether the engine took the outputs that a fact brought. */
function isAccepted(
  { ordinal, attempt }: BroughtOutputs,
  actions: ReadonlyMap<number, ActionState>,
  attempts: ReadonlyMap<string, AttemptState>,
): boolean {
  if (attempt !== null) return attempts.get(attemptKeyOf({ ordinal, attempt }))?.phase === "succeeded";
  return actions.get(ordinal)?.phase === "succeeded";
}

/** Who reported attempts that changed, what their images were, and which decks they wrote. */
function reportersOf(facts: readonly Fact[], attempts: ReadonlyMap<string, AttemptState>) {
  const reporters = new Map<string, Reporter>();
  const deckUris = new Map<number, string>();
  for (const { report } of facts) {
    if (!report || !attempts.has(attemptKeyOf(report))) continue;
    const { outcome, agentId } = report;
    const key = attemptKeyOf(report);
    const imageDigest = outcome.type === "started" ? outcome.imageDigest : undefined;
    // Its start and its end may come together.
    reporters.set(key, { agentId, imageDigest: imageDigest ?? reporters.get(key)?.imageDigest ?? null });
    const hasDeck = outcome.type === "succeeded" || outcome.type === "failed";
    if (hasDeck && outcome.deckUri !== undefined) deckUris.set(report.ordinal, outcome.deckUri);
  }
  return { reporters, deckUris };
}

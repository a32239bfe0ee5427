import { type Committed, commitAdvances, type Db, deleteErrands, deleteEvents, type RunAdvance } from "@skein/db";
import { type Changes, isTerminalRun, type ValueRef } from "@skein/engine";
import { invariant, SkeinError } from "@skein/errors";
import type { Logger } from "@skein/telemetry";
import { RunStep } from "./advance-run.ts";
import { askedBy } from "./asked-resources.ts";
import { checkReports } from "./check-reports.ts";
import type { Pool } from "./database.ts";
import { wakeKeyOf } from "./errands/check-cache.ts";
import type { ErrandRunner } from "./errands/errand-runner.ts";
import { Inbox, type Work } from "./inbox.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import { readOffloaded } from "./offloaded.ts";
import { isOutage } from "./outage.ts";
import type { Outgoing, Publisher } from "./publisher.ts";
import { Quarantine } from "./quarantine.ts";
import { readExpansions } from "./read-expansions.ts";
import type { RunCache } from "./run-cache.ts";
import type { AdvanceSettings } from "./run-writes.ts";
import type { ObjectStore, Values } from "./values.ts";

export interface AdvancerOptions extends AdvanceSettings {
  readonly db: Pool;
  readonly cache: RunCache;
  readonly values: Values;
  readonly storage: ObjectStore;
  readonly publisher: Publisher;
  /** For what must be looked up by name: `db` are the same connections. */
  readonly orm: Db;
  readonly errands: ErrandRunner;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
  /** Wakes those who watch runs. */
  readonly onChanged: () => void;
  /** Events were written for other runs. */
  readonly onEvents: () => void;
  /** A run ended. */
  readonly onRunOver: () => void;
  /** A timer was set for this moment (epoch ms). */
  readonly onTimer: (dueAtMs: number) => void;
}

interface Begun {
  readonly step: RunStep;
  readonly work: Work;
  needed: readonly ValueRef[];
}

interface Prepared {
  readonly step: RunStep;
  readonly work: Work;
  readonly advance: RunAdvance;
  readonly changes: Changes;
}

const RUNS_PER_COMMIT = 25;
const COMMITS_IN_FLIGHT = 6;
const OUTAGE_RETRY_MS = 200;
const CONFLICT_RETRY_MS = 5;
const SERIALIZATION_FAILURE = "40001";
const NOTHING: Committed = { commands: [], errands: [] };
/** What a node that reads it fails of, with a message of its own. */
const UNREADABLE = new Uint8Array();

/**
 * The only caller of the engine: takes all waiting facts of up to 25 runs, advances them, writes what follows in one
 * transaction and publishes at once. Several commits may be in flight for different runs, never two for one run. A run
 * that somebody else advanced meanwhile is loaded again and its facts are applied anew.
 */
export class Advancer {
  readonly inbox: Inbox;
  readonly #options: AdvancerOptions;
  readonly #quarantine: Quarantine;
  #active = 0;
  #isClosed = false;
  #idle: (() => void) | undefined;

  constructor(options: AdvancerOptions) {
    this.#options = options;
    this.inbox = new Inbox(() => this.#pump());
    this.#quarantine = new Quarantine({ ...options, inbox: this.inbox });
  }

  /** Takes nothing more and waits for commits in flight. Facts that still wait are told again by their sources. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.inbox.clear();
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }

  #pump(): void {
    while (!this.#isClosed && this.#active < COMMITS_IN_FLIGHT && this.inbox.hasReady) {
      this.#active += 1;
      void this.#advance(this.inbox.take(RUNS_PER_COMMIT)).finally(() => {
        this.#active -= 1;
        if (this.#active === 0) this.#idle?.();
        this.#pump();
      });
    }
  }

  /** Never rejects: whatever goes wrong, each work is released or put back. */
  async #advance(works: readonly Work[]): Promise<void> {
    const { metrics, db } = this.#options;
    const startedAt = performance.now();
    metrics.batchRuns.observe(works.length);
    metrics.batchFacts.observe(works.reduce((sum, { facts }) => sum + facts.length, 0));
    const open = new Set(works);
    try {
      const prepared = await this.#prepare(open);
      const written = prepared.filter(isWorthACommit);
      const advances = written.map(({ advance }) => advance);
      const committed = advances.length === 0 ? NOTHING : await commitAdvances(db, advances);
      if (written.length > 0) metrics.commits.inc({ outcome: "done" });
      metrics.commitSeconds.observe((performance.now() - startedAt) / 1000);
      this.#followUp(prepared, new Set(written), committed);
    } catch (error) {
      await this.#recover([...open], error);
    }
  }

  /** Leaves in `open` the works that it answers. */
  async #prepare(open: Set<Work>): Promise<Prepared[]> {
    const { cache, metrics } = this.#options;
    const runs = await cache.load(Array.from(open, ({ runId }) => runId));
    metrics.cachedRuns.set(cache.size);
    const begun: Begun[] = [];
    const begin = async (work: Work): Promise<void> => {
      const run = runs.get(work.runId);
      if (!run || isTerminalRun(run.state.phase)) {
        open.delete(work);
        this.#dropOver(work);
        return;
      }
      try {
        const checked = await checkReports(run, work.facts, this.#options);
        const facts = await readExpansions(run, checked, { db: this.#options.orm, storage: this.#options.storage });
        const step = new RunStep(run, facts, this.#options.values);
        begun.push({ step, work, needed: step.begin() });
      } catch (error) {
        open.delete(work);
        await this.#recover([work], error);
      }
    };
    await Promise.all(Array.from(open, begin));
    await this.#provide(begun);
    return Promise.all(begun.map(async ({ step, work }) => ({ step, work, ...(await step.finish(this.#options)) })));
  }

  /** Loads what the steps need, for all of them together, until none needs more. */
  async #provide(begun: readonly Begun[]): Promise<void> {
    const open = () => begun.filter(({ needed }) => needed.length > 0);
    for (let entries = open(); entries.length > 0; entries = open()) {
      const needed = entries.flatMap(({ step, needed: refs }) => refs.map((ref) => ({ step, ref })));
      const loaded = await this.#load(needed);
      let at = 0;
      for (const entry of entries) {
        entry.needed = entry.step.resume(
          entry.needed.map((ref) => {
            const bytes = loaded[at++];
            invariant(bytes, `run ${entry.step.run.runId} has the value ${ref.ordinal}/${ref.side}`);
            return [ref, bytes] as const;
          }),
        );
      }
    }
  }

  async #load(needed: readonly { step: RunStep; ref: ValueRef }[]): Promise<(Uint8Array | undefined)[]> {
    const { values, storage } = this.#options;
    const whole = needed.filter(({ ref }) => ref.uri === undefined);
    const [loaded, ...parts] = await Promise.all([
      values.load(whole.map(({ step, ref }) => step.locate(ref))),
      ...needed.flatMap(({ step, ref }) => (ref.uri === undefined ? [] : [readOffloaded(storage, step.run, ref.uri)])),
    ]);
    let [nextWhole, nextPart] = [0, 0];
    return needed.map(({ ref }) => (ref.uri === undefined ? loaded[nextWhole++] : (parts[nextPart++] ?? UNREADABLE)));
  }

  #followUp(prepared: readonly Prepared[], written: ReadonlySet<Prepared>, committed: Committed): void {
    const { publisher, cache, onChanged, metrics, errands } = this.#options;
    if (committed.commands.length > 0) publisher.publishSoon(toOutgoing(prepared, committed.commands));
    const newErrands = Map.groupBy(committed.errands, ({ id }) => id.runId);
    for (const entry of prepared) {
      const { step, work, changes } = entry;
      if (written.has(entry)) step.run.version += 1;
      this.#quarantine.release(work.runId);
      step.afterCommit(changes);
      errands.takeUp(step.run, [
        ...(newErrands.get(work.runId) ?? []),
        ...work.facts.flatMap(({ takeUp }) => takeUp ?? []),
      ]);
      if (isTerminalRun(step.run.state.phase)) {
        cache.drop(work.runId);
        this.#options.onRunOver();
      }
      this.#followCommands(work.runId, changes);
      for (const { phase, queuedAtMs, endedAtMs } of changes.attempts) {
        if (phase === "succeeded" && endedAtMs !== null) metrics.ringSeconds.observe((endedAtMs - queuedAtMs) / 1000);
      }
      if (changes.staleEvents > 0) metrics.staleReports.inc({ reason: "late" }, changes.staleEvents);
      for (const { onApplied } of work.facts) onApplied?.();
      this.inbox.release(work.runId);
    }
    if (written.size > 0) onChanged();
    publisher.progressed();
    this.#tellOthers(written);
  }

  /** What these commits mean for other runs: a child's end is news for its parent, a new cache entry for who waits for it. */
  #tellOthers(written: ReadonlySet<Prepared>): void {
    const advances = Array.from(written, ({ advance }) => advance);
    if (advances.some(({ parentNews }) => parentNews !== null)) this.#options.onEvents();
    for (const { cachePuts } of advances) for (const put of cachePuts) this.#options.errands.wake(wakeKeyOf(put));
  }

  #followCommands(runId: string, changes: Changes): void {
    for (const command of changes.commands) {
      if (command.type === "setTimer") this.#options.onTimer(command.dueAtMs);
      if (command.type === "continue") {
        this.inbox.add(runId, [{ event: { type: "continued", atMs: Date.now() } }]);
      }
    }
  }

  /** The engine has changed the cached runs already, so none of them may be used again. */
  async #recover(works: readonly Work[], error: unknown): Promise<void> {
    const { cache, logger, metrics } = this.#options;
    for (const { runId } of works) cache.drop(runId);
    if ((error as { code?: unknown }).code === SERIALIZATION_FAILURE) {
      metrics.commits.inc({ outcome: "conflict" });
      for (const work of works) this.inbox.retryLater(work, CONFLICT_RETRY_MS);
      return;
    }
    metrics.commits.inc({ outcome: "failed" });
    const isOut = isOutage(error);
    // Those that need no values from a store that is away can go on.
    if (works.length > 1 && (!isOut || error instanceof SkeinError)) {
      for (const work of works) await this.#advance([work]);
    } else if (isOut) {
      logger.warn({ err: error }, "advances could not be committed and will be tried again");
      for (const work of works) this.inbox.retryLater(work, OUTAGE_RETRY_MS);
    } else {
      for (const work of works) await this.#quarantine.take(work, error);
    }
  }

  /** Facts of a run that is over or unknown change nothing. Their rows, if any, have no run to wait for. */
  #dropOver(work: Work): void {
    const { cache, metrics, db, logger, errands } = this.#options;
    cache.drop(work.runId);
    metrics.staleReports.inc({ reason: "run_over" }, work.facts.filter(({ report }) => report).length);
    const eventIds = work.facts.flatMap(({ eventId }) => (eventId === undefined ? [] : [eventId]));
    const told = work.facts.flatMap(({ errand }) => (errand ? [errand.id] : []));
    const finish = () => {
      for (const { onApplied } of work.facts) onApplied?.();
      this.inbox.release(work.runId);
    };
    errands.drop(work.facts.flatMap(({ takeUp }) => takeUp ?? []));
    if (eventIds.length + told.length === 0) {
      finish();
      return;
    }
    Promise.all([deleteEvents(db, eventIds), deleteErrands(db, told)])
      .catch((error: unknown) => logger.warn({ err: error }, "facts of a run that is over could not be deleted yet"))
      .finally(finish);
  }
}

function isWorthACommit({ changes, advance }: Prepared): boolean {
  const { run, actions, attempts, values, copies, commands } = changes;
  const lists = [actions, attempts, values, copies, commands, advance.eventIds, advance.errandIds];
  return run !== null || lists.some(({ length }) => length > 0);
}

/** Adds to the new commands what the publisher would otherwise have to read. */
function toOutgoing(prepared: readonly Prepared[], commands: Committed["commands"]): Outgoing[] {
  const byRun = new Map(
    prepared.map(({ work, step, advance, changes }) => {
      const inputs = new Map(
        changes.values.filter(({ side }) => side === "inputs").map(({ ordinal, bytes }) => [ordinal, bytes]),
      );
      const orders = new Map(advance.orders.map((order) => [order.id.ordinal, order]));
      return [work.runId, { run: step.run, inputs, orders }] as const;
    }),
  );
  return commands.flatMap(({ id, commandId }) => {
    const found = byRun.get(id.runId);
    const order = found?.orders.get(id.ordinal);
    if (!found || !order) return [];
    const { kind, pool } = order;
    const { run, inputs } = found;
    const { shard, project } = run;
    const asks = kind === "echo" ? null : askedBy(run, id.ordinal);
    return [{ id, commandId, kind, pool, shard, project, inputs: inputs.get(id.ordinal), asks }];
  });
}

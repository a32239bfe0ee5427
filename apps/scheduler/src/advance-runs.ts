import { type CommandRow, commitAdvances, deleteEvents, type RunAdvance } from "@skein/db";
import { type Changes, isTerminalRun, type ValueRef } from "@skein/engine";
import { invariant, SkeinError } from "@skein/errors";
import type { Logger } from "@skein/telemetry";
import { type AdvanceSettings, RunStep } from "./advance-run.ts";
import { checkReports } from "./check-reports.ts";
import type { Pool } from "./database.ts";
import { Inbox, type Work } from "./inbox.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import { isOutage } from "./outage.ts";
import type { Outgoing, Publisher } from "./publisher.ts";
import { Quarantine } from "./quarantine.ts";
import type { RunCache } from "./run-cache.ts";
import type { ObjectStore, Values } from "./values.ts";

export interface AdvancerOptions extends AdvanceSettings {
  readonly db: Pool;
  readonly cache: RunCache;
  readonly values: Values;
  readonly storage: ObjectStore;
  readonly publisher: Publisher;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
  /** Wakes those who watch runs. */
  readonly onChanged: () => void;
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
      const commands = advances.length === 0 ? [] : await commitAdvances(db, advances);
      if (written.length > 0) metrics.commits.inc({ outcome: "done" });
      metrics.commitSeconds.observe((performance.now() - startedAt) / 1000);
      this.#followUp(prepared, new Set(written), commands);
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
        const step = new RunStep(run, await checkReports(run, work.facts, this.#options), this.#options.values);
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
      const refs = entries.flatMap(({ step, needed }) => needed.map((ref) => step.locate(ref)));
      const loaded = await this.#options.values.load(refs);
      let at = 0;
      for (const entry of entries) {
        const pairs = entry.needed.map((ref) => {
          const bytes = loaded[at++];
          invariant(bytes, `run ${entry.step.run.runId} has the value ${ref.ordinal}/${ref.side}`);
          return [ref, bytes] as const;
        });
        entry.needed = entry.step.resume(pairs);
      }
    }
  }

  #followUp(prepared: readonly Prepared[], written: ReadonlySet<Prepared>, commands: readonly CommandRow[]): void {
    const { publisher, cache, onChanged, metrics } = this.#options;
    if (commands.length > 0) publisher.publishSoon(toOutgoing(prepared, commands));
    for (const entry of prepared) {
      const { step, work, changes } = entry;
      if (written.has(entry)) step.run.version += 1;
      this.#quarantine.release(work.runId);
      step.keepValues(changes);
      if (isTerminalRun(step.run.state.phase)) cache.drop(work.runId);
      this.#followCommands(work.runId, changes);
      for (const { phase, queuedAtMs, endedAtMs } of changes.attempts) {
        if (phase === "succeeded" && endedAtMs !== null) metrics.ringSeconds.observe((endedAtMs - queuedAtMs) / 1000);
      }
      if (changes.staleEvents > 0) metrics.staleReports.inc({ reason: "late" }, changes.staleEvents);
      for (const { onApplied } of work.facts) onApplied?.();
      this.inbox.release(work.runId);
    }
    if (written.size > 0) onChanged();
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

  /** Facts of a run that is over or unknown change nothing. Their event rows, if any, have no run to wait for. */
  #dropOver(work: Work): void {
    const { cache, metrics, db, logger } = this.#options;
    cache.drop(work.runId);
    metrics.staleReports.inc({ reason: "run_over" }, work.facts.filter(({ report }) => report).length);
    const eventIds = work.facts.flatMap(({ eventId }) => (eventId === undefined ? [] : [eventId]));
    const finish = () => {
      for (const { onApplied } of work.facts) onApplied?.();
      this.inbox.release(work.runId);
    };
    if (eventIds.length === 0) {
      finish();
      return;
    }
    deleteEvents(db, eventIds)
      .catch((error: unknown) => logger.warn({ err: error }, "events of a run that is over could not be deleted yet"))
      .finally(finish);
  }
}

function isWorthACommit({ changes, advance }: Prepared): boolean {
  const { run, actions, attempts, values, commands } = changes;
  const isChanged = run !== null || actions.length + attempts.length + values.length + commands.length > 0;
  return isChanged || advance.eventIds.length > 0;
}

/** Adds to the new commands what the publisher would otherwise have to read. */
function toOutgoing(prepared: readonly Prepared[], commands: readonly CommandRow[]): Outgoing[] {
  const byRun = new Map(
    prepared.map(({ work, step, advance, changes }) => {
      const inputs = new Map(
        changes.values.filter(({ side }) => side === "inputs").map(({ ordinal, bytes }) => [ordinal, bytes]),
      );
      const orders = new Map(advance.orders.map((order) => [order.id.ordinal, order]));
      return [work.runId, { shard: step.run.shard, inputs, orders }] as const;
    }),
  );
  return commands.flatMap(({ id, commandId }) => {
    const run = byRun.get(id.runId);
    const order = run?.orders.get(id.ordinal);
    if (!run || !order) return [];
    const { kind, pool } = order;
    return [{ id, commandId, kind, pool, shard: run.shard, inputs: run.inputs.get(id.ordinal) }];
  });
}

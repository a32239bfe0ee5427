import { deleteErrands, type ErrandRow } from "@skein/db";
import { ERRAND_KINDS, type ErrandKind, isTerminalAction, isTerminalRun } from "@skein/engine";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "../database.ts";
import type { Fact } from "../inbox.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import { isOutage } from "../outage.ts";
import type { CachedRun } from "../run-cache.ts";
import { type CarryOut, type Errand, type ErrandOutcome, outcomeOfDefect } from "./errand.ts";

export interface ErrandRunnerOptions {
  readonly pool: Pool;
  readonly carryOuts: Record<ErrandKind, CarryOut>;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
  /** Gives facts to a run. */
  readonly tell: (runId: string, facts: readonly Fact[]) => void;
  /** The run, if it is in memory. */
  readonly peek: (runId: string) => CachedRun | undefined;
}

/** An errand in hand. */
interface Held {
  readonly errand: Errand;
  /** Times that it could not be done because of a defect. */
  tries: number;
  timer: NodeJS.Timeout | undefined;
  wakeKey: string | undefined;
}

const BATCH_MAX = 1_000;
const BATCHES_IN_FLIGHT = 4;
const OUTAGE_RETRY_MS = 500;
const TRIES_MAX = 4;
const TRY_PAUSE_MS = 100;

/**
 * Carries errands out: those of one action in the order in which they were asked for, all others at once, in batches of
 * a kind. What it holds are rows, so that nothing is lost with this process.
 */
export class ErrandRunner {
  readonly #options: ErrandRunnerOptions;
  /** Ids of everything in hand, from before an errand is known in full until its row is gone. */
  readonly #inHand = new Set<number>();
  /** The errands of each action, the first of them being carried out. */
  readonly #lines = new Map<string, Held[]>();
  readonly #queues: Record<ErrandKind, Held[]>;
  readonly #active: Record<ErrandKind, number>;
  readonly #waiting = new Set<Held>();
  readonly #batches = new Set<Promise<void>>();
  #isPumpDue = false;
  #isClosed = false;

  constructor(options: ErrandRunnerOptions) {
    this.#options = options;
    const perKind = <T>(make: () => T) =>
      Object.fromEntries(ERRAND_KINDS.map((kind) => [kind, make()])) as Record<ErrandKind, T>;
    this.#queues = perKind(() => []);
    this.#active = perKind(() => 0);
  }

  /** Rows that need not be read again. */
  get inHand(): number[] {
    return [...this.#inHand];
  }

  /** Has rows looked at by who holds their run: they come back through `takeUp` or `drop`. */
  ask(rows: readonly ErrandRow[]): void {
    for (const [runId, takeUp] of Map.groupBy(rows, ({ id }) => id.runId)) {
      for (const { errandId } of takeUp) this.#inHand.add(errandId);
      this.#options.tell(runId, [{ event: { type: "continued", atMs: Date.now() }, takeUp }]);
    }
  }

  /** Carries out rows of a run, which the caller holds. */
  takeUp(run: CachedRun, rows: readonly ErrandRow[]): void {
    const gone: ErrandRow[] = [];
    for (const row of rows) {
      const errand = toErrand(run, row);
      if (!errand) gone.push(row);
      else if (!this.#isClosed) this.#add(errand);
    }
    this.drop(gone);
  }

  /** Deletes rows that nobody waits for any more. */
  drop(rows: readonly ErrandRow[]): void {
    if (rows.length > 0) this.#deleteRows(rows.map(({ errandId }) => errandId));
  }

  /** Tries those errands again that wait for the key. */
  wake(key: string): void {
    for (const held of this.#waiting) if (held.wakeKey === key) this.#retry(held);
  }

  /** For a shard that may be somebody else's now: what is not under way is that one's. */
  dropShard(shard: number): void {
    for (const [key, line] of this.#lines) {
      if (line[0]?.errand.run.shard !== shard) continue;
      this.#lines.delete(key);
      for (const held of line) this.#release(held);
    }
    for (const kind of ERRAND_KINDS) {
      this.#queues[kind] = this.#queues[kind].filter(({ errand }) => errand.run.shard !== shard);
    }
  }

  /** Waits for what is under way. The rest is rows. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#waiting) clearTimeout(timer);
    await Promise.all(this.#batches);
  }

  #add(errand: Errand): void {
    const held: Held = { errand, tries: 0, timer: undefined, wakeKey: undefined };
    const key = lineKey(errand);
    const line = this.#lines.get(key);
    if (line?.some((other) => other.errand.id === errand.id)) return;
    this.#inHand.add(errand.id);
    if (line) {
      line.push(held);
      return;
    }
    this.#lines.set(key, [held]);
    this.#enqueue(held);
  }

  #enqueue(held: Held): void {
    this.#queues[held.errand.kind].push(held);
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    // What several commits ask for at the same time becomes one batch.
    setImmediate(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (const kind of ERRAND_KINDS) {
      while (!this.#isClosed && this.#active[kind] < BATCHES_IN_FLIGHT && this.#queues[kind].length > 0) {
        const batch = this.#queues[kind].splice(0, BATCH_MAX);
        this.#active[kind] += 1;
        const work: Promise<void> = this.#carryOut(kind, batch).finally(() => {
          this.#batches.delete(work);
          this.#active[kind] -= 1;
          this.#pump();
        });
        this.#batches.add(work);
      }
    }
  }

  /** Never rejects. */
  async #carryOut(kind: ErrandKind, batch: readonly Held[]): Promise<void> {
    try {
      const outcomes = await this.#options.carryOuts[kind](batch.map(({ errand }) => errand));
      for (const [index, held] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome) this.#settle(held, outcome);
        else throw new Error(`errands of kind ${kind} were answered by ${outcomes.length} outcomes of ${batch.length}`);
      }
    } catch (error) {
      await this.#recover(kind, batch, error);
    }
  }

  async #recover(kind: ErrandKind, batch: readonly Held[], error: unknown): Promise<void> {
    const { logger, metrics } = this.#options;
    metrics.errands.inc({ kind, outcome: "rejected" }, batch.length);
    if (isOutage(error)) {
      logger.warn(
        { kind, errands: batch.length, err: error },
        "errands could not be carried out and will be tried again",
      );
      for (const held of batch) this.#wait(held, OUTAGE_RETRY_MS);
      return;
    }
    const [first] = batch;
    if (batch.length > 1 || !first) {
      for (const held of batch) await this.#carryOut(kind, [held]);
      return;
    }
    first.tries += 1;
    const { run, id, ordinal } = first.errand;
    const told = { kind, errandId: id, runId: run.runId, ordinal, tries: first.tries, err: error };
    if (first.tries < TRIES_MAX) {
      logger.error(told, "an errand cannot be carried out and will be tried again");
      this.#wait(first, TRY_PAUSE_MS * 2 ** first.tries);
      return;
    }
    logger.error(told, "an errand cannot be carried out and is given up");
    const message = "Skein could not go on with this step because of a defect of its own. Its log says more.";
    this.#settle(first, { type: "told", event: outcomeOfDefect(first.errand, message, Date.now()) });
  }

  #settle(held: Held, outcome: ErrandOutcome): void {
    const { errand } = held;
    const { kind, id, run } = errand;
    this.#options.metrics.errands.inc({ kind, outcome: outcome.type });
    if (outcome.type === "waiting") {
      held.wakeKey = outcome.wakeKey;
      this.#wait(held, outcome.retryAfterMs);
    } else if (outcome.type === "done") {
      this.#deleteRows([id]);
      this.#forget(held);
    } else {
      const { event, outputs, cacheEntryId } = outcome;
      const onApplied = () => this.#forget(held);
      this.#options.tell(run.runId, [{ event, errand: { id, outputs, cacheEntryId }, onApplied }]);
    }
  }

  #wait(held: Held, ms: number): void {
    if (this.#isClosed) return;
    this.#waiting.add(held);
    held.timer = setTimeout(() => this.#retry(held), ms);
  }

  /** Another look at an errand, if its action may still be waiting for it. */
  #retry(held: Held): void {
    clearTimeout(held.timer);
    if (!this.#waiting.delete(held)) return;
    const { id, kind, run, ordinal, attempt } = held.errand;
    const cached = this.#options.peek(run.runId);
    if (cached && isWanted(cached, ordinal)) {
      this.#enqueue(held);
      return;
    }
    // Only who holds the run knows.
    this.#forget(held);
    this.ask([{ errandId: id, kind, id: { runId: run.runId, ordinal, attempt } }]);
  }

  /** Lets go of an errand; the next one of its action is carried out. */
  #forget(held: Held): void {
    this.#release(held);
    const key = lineKey(held.errand);
    const line = this.#lines.get(key);
    if (!line) return;
    const wasFirst = line[0] === held;
    const rest = line.filter((other) => other !== held);
    if (rest.length === 0) this.#lines.delete(key);
    else this.#lines.set(key, rest);
    const [next] = rest;
    if (wasFirst && next && !this.#isClosed) this.#enqueue(next);
  }

  #release(held: Held): void {
    this.#inHand.delete(held.errand.id);
    clearTimeout(held.timer);
    this.#waiting.delete(held);
  }

  #deleteRows(ids: readonly number[]): void {
    const { pool, logger } = this.#options;
    const work: Promise<void> = deleteErrands(pool, ids)
      // They are found again, and nobody waits for them then either.
      .catch((error: unknown) => logger.warn({ err: error }, "errands could not be deleted yet"))
      .finally(() => {
        for (const id of ids) this.#inHand.delete(id);
        this.#batches.delete(work);
      });
    this.#batches.add(work);
  }
}

const lineKey = ({ run, ordinal }: Errand): string => `${run.runId}/${ordinal}`;

function isWanted({ state }: CachedRun, ordinal: number): boolean {
  const action = state.actions.get(ordinal);
  return action !== undefined && !isTerminalAction(action.phase) && !isTerminalRun(state.phase);
}

/** Undefined when nobody waits for the errand any more. */
function toErrand(cached: CachedRun, { errandId: id, kind, id: { ordinal, attempt } }: ErrandRow): Errand | undefined {
  const action = isWanted(cached, ordinal) ? cached.state.actions.get(ordinal) : undefined;
  if (!action) return undefined;
  const { state: _, program: __, version: ___, ...run } = cached;
  const { name, node, itemIndex, itemCount, inputsOrdinal, referenceOrdinal, phase, attempts, frame } = action;
  return {
    id,
    kind,
    run,
    ordinal,
    attempt,
    action: { name, kind: action.kind, node, itemIndex, itemCount, inputsOrdinal, referenceOrdinal, phase, attempts },
    map: frame.kind === "array" ? frame.spec : null,
  };
}

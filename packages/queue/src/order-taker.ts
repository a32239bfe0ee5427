import type { AttemptOrder } from "@skein/contracts";
import { LOCK_MS, type Parcel, type ParcelJob, type ParcelWorker } from "./backend.ts";

/** An order that is nobody else's while this process lives. */
export interface TakenOrder {
  readonly order: AttemptOrder;
  /** The order needs no further delivery: it was claimed, or the claim was refused. Never throws. */
  settle(): Promise<void>;
  /** Somebody else may have it: it comes next, as `changed` where that is told. Never throws. */
  giveBack(changed?: AttemptOrder): Promise<void>;
  /** Somebody else may have it, after all that wait now. Never throws. */
  putLast(): Promise<void>;
}

export interface OrderTaker {
  /** Waits for the next order; undefined once `signal` aborts or the taker closes. Several may wait at once. */
  take(signal: AbortSignal): Promise<TakenOrder | undefined>;
  close(): Promise<void>;
}

/** Before or behind all that wait. */
export type Place = "first" | "last";

type AddOrder = (order: AttemptOrder, place: Place) => Promise<void>;

interface Taker {
  give(taken: TakenOrder | undefined): void;
}

const PAUSE_AFTER_FAILURE_MS = 250;

/** Fetches one order at a time and only while somebody waits, so that an agent never holds what it has no room for. */
export class QueueOrderTaker implements OrderTaker {
  readonly #worker: ParcelWorker;
  readonly #read: (parcel: Parcel) => AttemptOrder | undefined;
  readonly #add: AddOrder;
  readonly #onError: (error: Error) => void;
  readonly #takers: Taker[] = [];
  readonly #held = new Map<string, ParcelJob>();
  readonly #lockTimer: NodeJS.Timeout;
  #fetching: Promise<void> | undefined;
  #isClosed = false;
  #tokens = 0;

  constructor(
    worker: ParcelWorker,
    read: (parcel: Parcel) => AttemptOrder | undefined,
    add: AddOrder,
    onError: (error: Error) => void,
  ) {
    this.#worker = worker;
    this.#read = read;
    this.#add = add;
    this.#onError = onError;
    this.#lockTimer = setInterval(() => void this.#extendLocks(), LOCK_MS / 3);
    void worker.startStalledCheckTimer();
  }

  take(signal: AbortSignal): Promise<TakenOrder | undefined> {
    if (signal.aborted || this.#isClosed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const onAbort = () => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        resolve(undefined);
      };
      const taker: Taker = {
        give: (taken) => {
          signal.removeEventListener("abort", onAbort);
          resolve(taken);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#takers.push(taker);
      this.#startFetching();
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#lockTimer);
    for (const taker of this.#takers.splice(0)) taker.give(undefined);
    // Ends the blocking wait; without it the loop would notice only when its time is over.
    await this.#worker.getBackend().disconnectBlocking(true).catch(this.#onError);
    await this.#fetching;
    for (const job of this.#held.values()) await this.#giveBack(job);
    await this.#worker.close();
  }

  #startFetching(): void {
    this.#fetching ??= this.#fetchWhileWanted().finally(() => {
      this.#fetching = undefined;
      // Somebody may have come between the last look and now.
      if (this.#takers.length > 0 && !this.#isClosed) this.#startFetching();
    });
  }

  async #fetchWhileWanted(): Promise<void> {
    while (this.#takers.length > 0 && !this.#isClosed) {
      try {
        this.#tokens += 1;
        const token = `${this.#worker.id}:${this.#tokens}`;
        const job = await this.#worker.getNextJob(token, { block: true });
        if (job) await this.#hand(job);
      } catch (error) {
        if (this.#isClosed) return;
        this.#onError(error as Error);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_FAILURE_MS));
      }
    }
  }

  async #hand(job: ParcelJob): Promise<void> {
    const order = this.#read(job.data);
    if (order === undefined) {
      await this.#complete(job);
      return;
    }
    const taker = this.#takers.shift();
    if (!taker) {
      await this.#move(job, order, "first");
      return;
    }
    const key = job.id ?? "";
    this.#held.set(key, job);
    taker.give({
      order,
      settle: async () => {
        if (this.#held.delete(key)) await this.#complete(job);
      },
      giveBack: async (changed = order) => {
        if (this.#held.delete(key)) await this.#move(job, changed, "first");
      },
      putLast: async () => {
        if (this.#held.delete(key)) await this.#move(job, order, "last");
      },
    });
  }

  /** As a new job, whose id is free only once the old one is gone. What a crash loses in between is published again from rows. */
  async #move(job: ParcelJob, order: AttemptOrder, place: Place): Promise<void> {
    await this.#complete(job);
    await this.#add(order, place).catch(this.#onError);
  }

  /** A failure leaves the job to another delivery, which a claim makes harmless. */
  async #complete(job: ParcelJob): Promise<void> {
    await job.moveToCompleted(undefined, job.token ?? "", false).catch(this.#onError);
  }

  async #giveBack(job: ParcelJob): Promise<void> {
    await job.moveToWait(job.token ?? "").catch(this.#onError);
  }

  async #extendLocks(): Promise<void> {
    if (this.#held.size === 0) return;
    const jobs = [...this.#held];
    const ids = jobs.map(([id]) => id);
    const tokens = jobs.map(([, job]) => job.token ?? "");
    await this.#worker.extendJobLocks(ids, tokens, LOCK_MS).catch(this.#onError);
  }
}

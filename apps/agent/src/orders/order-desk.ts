import { type AskedResources, attemptKey } from "@skein/contracts";
import type { OrderTaker, TakenOrder } from "@skein/queue";
import { NOTHING, Room } from "./room.ts";

export interface OrderDeskOptions {
  readonly agentId: string;
  readonly taker: OrderTaker;
  readonly capacity: Room["capacity"];
  /** Resolves when the attempt's room is free again. */
  readonly run: (taken: TakenOrder) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly onChange: () => void;
  /** An order went back to the queue: for want of room now, or for ever. */
  readonly onReturned: (why: "full" | "too_large") => void;
}

/** The order that is next, although there is no room for it yet. */
interface Next {
  readonly taken: TakenOrder;
  readonly asks: AskedResources;
  /** When this agent saw it first. */
  readonly sinceMs: number;
  /** How often others could have it since. */
  readonly offers: number;
  /** When they can have it again. */
  readonly offerAtMs: number;
}

type Remembered = Pick<Next, "sinceMs" | "offers"> & { readonly key: string };

/** For so long smaller orders pass one that has to wait; then what becomes free is kept for it. */
const OVERTAKEN_MS = 5_000;
/** The pause in which others can take what is offered. */
const OFFER_MS = 150;
const OFFERED_MS = 5_000;
/** From keeping it to each offer. Short tasks make room sooner than the first. */
const OFFERS_AFTER_MS = [100, 2_000, 4_000, 8_000, 16_000];
const LATER_OFFERS_AFTER_MS = 30_000;
const PAUSE_AFTER_OTHERS_OFFER_MS = 250;
const PAUSE_PER_RETURN_MS = 5;
const PAUSE_AFTER_RETURNS_MS = 500;
const PAUSE_AFTER_FAILURE_MS = 1_000;

/**
 * Takes orders as long as there is a free slot, and runs those for which there is room. The first one that must wait is kept
 * and offered to others from time to time; while it waits, smaller ones pass it for a moment only. Another that must wait,
 * and what is larger than this agent, goes to the end of the queue.
 */
export class OrderDesk {
  readonly room: Room;
  readonly #options: OrderDeskOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #serving: Promise<void>;
  #next: Next | undefined;
  #offered: Remembered | undefined;
  #taking: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pausedUntilMs = 0;
  #returns = 0;
  #isCordoned = false;
  #isStarted = false;
  #isStopped = false;
  #wake: () => void = () => undefined;

  constructor(options: OrderDeskOptions) {
    this.#options = options;
    this.room = new Room(options.capacity, () => this.#look());
    this.#serving = this.#serve();
  }

  /** Nothing is taken before. */
  start(): void {
    this.#isStarted = true;
    this.#look();
  }

  /** A cordoned desk takes nothing; what runs goes on. */
  cordon(isCordoned: boolean): void {
    if (this.#isCordoned === isCordoned) return;
    this.#isCordoned = isCordoned;
    this.#look();
  }

  get isCordoned(): boolean {
    return this.#isCordoned;
  }

  /** The order that waits for room, in seconds since it does. */
  get waitingSeconds(): number {
    return this.#next ? (Date.now() - this.#next.sinceMs) / 1000 : 0;
  }

  /** Reserves room for what runs already. */
  hold(asks: AskedResources, work: Promise<void>): void {
    this.#follow(work, this.room.reserve(asks));
  }

  /** Takes nothing more, for good. */
  stop(): void {
    this.#isStopped = true;
    this.#look();
  }

  /** Resolves, after `stop`, when nothing runs any more. */
  async whenIdle(): Promise<void> {
    await this.#serving;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #serve(): Promise<void> {
    while (!this.#isStopped) {
      const pauseMs = this.#pausedUntilMs - Date.now();
      if (!this.#isOpen || pauseMs > 0) {
        await this.#whenChanged(this.#isOpen ? pauseMs : undefined);
        continue;
      }
      this.#taking = new AbortController();
      const { signal } = this.#taking;
      const taken = await this.#options.taker.take(signal);
      this.#taking = undefined;
      if (taken) this.#decide(taken);
      // The queue was closed.
      else if (!signal.aborted) return;
    }
  }

  get #isOpen(): boolean {
    if (!this.#isStarted || this.#isStopped || this.#isCordoned) return false;
    // One slot is for the order that waits.
    if (this.room.freeSlots <= (this.#next ? 1 : 0)) return false;
    return !this.#next || Date.now() < this.#next.sinceMs + OVERTAKEN_MS;
  }

  #decide(taken: TakenOrder): void {
    const { agentId } = this.#options;
    const { order } = taken;
    const asks = order.resources ?? NOTHING;
    if (this.#isStopped || this.#isCordoned) void taken.giveBack();
    else if (this.room.fits(asks)) this.#begin(taken, asks);
    else if (order.offered && order.offered.agentId !== agentId && order.offered.untilMs > Date.now()) {
      void taken.giveBack();
      this.#pause(PAUSE_AFTER_OTHERS_OFFER_MS);
    } else if (this.#next || !this.room.canEverHold(asks)) this.#putLast(taken, asks);
    else this.#keep(taken, asks);
  }

  #begin(taken: TakenOrder, asks: AskedResources): void {
    this.#returns = 0;
    if (this.#offered?.key === attemptKey(taken.order)) this.#offered = undefined;
    const release = this.room.reserve(asks);
    const work = this.#options.run(taken).catch(async (error: unknown) => {
      if (this.#isStopped) return;
      this.#options.onError(error);
      // A full disk, say: the next order would fare no better.
      await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_FAILURE_MS));
    });
    this.#follow(work, release);
  }

  #follow(work: Promise<void>, release: () => void): void {
    const followed: Promise<void> = work
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => {
        this.#running.delete(followed);
        release();
      });
    this.#running.add(followed);
  }

  #putLast(taken: TakenOrder, asks: AskedResources): void {
    this.#options.onReturned(this.room.canEverHold(asks) ? "full" : "too_large");
    this.#returns += 1;
    void taken.putLast();
    this.#pause(Math.min(PAUSE_AFTER_RETURNS_MS, this.#returns * PAUSE_PER_RETURN_MS));
  }

  #keep(taken: TakenOrder, asks: AskedResources): void {
    const { sinceMs, offers } = this.#recall(attemptKey(taken.order));
    const offerAfterMs = OFFERS_AFTER_MS[offers] ?? LATER_OFFERS_AFTER_MS;
    this.#next = { taken, asks, sinceMs, offers, offerAtMs: Date.now() + offerAfterMs };
    this.#look();
  }

  #recall(key: string): Pick<Next, "sinceMs" | "offers"> {
    const before = this.#offered;
    this.#offered = undefined;
    return before?.key === key ? before : { sinceMs: Date.now(), offers: 0 };
  }

  /** Puts the order that waits in front of the queue for a moment. If nobody has room for it, it comes back. */
  #offer(): void {
    if (!this.#next) return;
    const { taken, sinceMs, offers } = this.#next;
    this.#next = undefined;
    this.#offered = { key: attemptKey(taken.order), sinceMs, offers: offers + 1 };
    this.#options.onReturned("full");
    this.#pause(OFFER_MS);
    const offered = { agentId: this.#options.agentId, untilMs: Date.now() + OFFERED_MS };
    void taken.giveBack({ ...taken.order, offered });
  }

  #pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, Date.now() + ms);
    this.#taking?.abort();
    this.#look();
  }

  /** Something changed: begins what fits now, and takes or stops to take. */
  #look(): void {
    const next = this.#next;
    if (next && (this.#isStopped || this.#isCordoned)) {
      this.#next = undefined;
      void next.taken.giveBack();
    } else if (next && this.room.freeSlots > 0 && this.room.fits(next.asks)) {
      this.#next = undefined;
      this.#begin(next.taken, next.asks);
    }
    if (!this.#isOpen) this.#taking?.abort();
    this.#setTimer();
    this.#wake();
    this.#options.onChange();
  }

  /** The next moment at which time alone changes something. */
  #setTimer(): void {
    clearTimeout(this.#timer);
    if (!this.#next) return;
    const { sinceMs, offerAtMs } = this.#next;
    const now = Date.now();
    const keptFromMs = sinceMs + OVERTAKEN_MS;
    const atMs = keptFromMs > now ? Math.min(keptFromMs, offerAtMs) : offerAtMs;
    const onTime = () => (Date.now() < offerAtMs ? this.#look() : this.#offer());
    this.#timer = setTimeout(onTime, Math.max(1, atMs - now));
  }

  #whenChanged(timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

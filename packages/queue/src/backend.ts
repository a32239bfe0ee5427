/** What is in a job: a JSON text of ours. BullMQ never looks inside. */
export interface Parcel {
  readonly items: readonly unknown[];
}

export interface ParcelJob {
  readonly id?: string | undefined;
  readonly token?: string | undefined;
  readonly data: Parcel;
  moveToCompleted(returnValue: undefined, token: string, fetchNext: boolean): Promise<unknown>;
  moveToWait(token: string): Promise<unknown>;
}

export type ParcelProcessor = (job: ParcelJob) => Promise<void>;

export interface ParcelOptions {
  readonly jobId?: string;
  /** Before all that wait. */
  readonly lifo?: boolean;
  /** How often a handler may fail before the job is dropped. */
  readonly attempts?: number;
  readonly backoff?: { readonly type: string; readonly delay: number };
}

export interface NewParcel {
  readonly name: string;
  readonly data: Parcel;
  readonly opts: ParcelOptions;
}

/** The part of BullMQ's Queue that we use; its own type depends on the database. */
export interface ParcelQueue {
  add(name: string, data: Parcel, opts: ParcelOptions): Promise<unknown>;
  addBulk(parcels: NewParcel[]): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

/** The part of BullMQ's Worker that we use. */
export interface ParcelWorker {
  readonly id: string;
  getNextJob(token: string, options: { readonly block: boolean }): Promise<ParcelJob | undefined>;
  extendJobLocks(ids: string[], tokens: string[], durationMs: number): Promise<unknown>;
  startStalledCheckTimer(): Promise<void>;
  getBackend(): { disconnectBlocking(wait?: boolean): Promise<void> };
  waitUntilReady(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  pause(doNotWaitActive: boolean): Promise<void>;
  close(force?: boolean): Promise<void>;
}

export interface WorkerSettings {
  readonly concurrency: number;
  /** Without one the caller fetches jobs itself. */
  readonly processor: ParcelProcessor | null;
}

/** One of the two databases BullMQ can live in, with all connections that this process holds to it. */
export interface Backend {
  openQueue(name: string): ParcelQueue;
  openWorker(name: string, settings: WorkerSettings): ParcelWorker;
  /** Rejects when the server does not answer; it may also never settle. */
  ping(): Promise<void>;
  /** Ends every connection, whether or not the other side answers. */
  close(): Promise<void>;
}

/** A job of a crashed consumer is taken by another one after at most `LOCK_MS` + 2 × `STALLED_CHECK_MS`. */
export const LOCK_MS = 2_500;
const STALLED_CHECK_MS = 1_000;

/** Settings that both backends share. Redelivery is the ring's business: a job never counts as failed for good. */
export const workerTimings = {
  lockDuration: LOCK_MS,
  stalledInterval: STALLED_CHECK_MS,
  maxStalledCount: 1_000,
  drainDelay: 5,
  runRetryDelay: 500,
};
export const jobDefaults = { removeOnComplete: true, removeOnFail: true };

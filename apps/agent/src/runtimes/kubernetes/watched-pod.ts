import type { V1Pod } from "@kubernetes/client-node";
import type { ReportedFailure } from "@skein/contracts";
import type { AttemptFolder } from "../../ledger/attempt-folder.ts";
import type { Exit } from "../runtime.ts";
import { exitOf, exitOfGone, nodeLost } from "./pod-exit.ts";
import { deadlineOf, isOutOfTouch, startedAtMs } from "./pod-status.ts";
import { type WaitingLimits, waitingOf } from "./waiting-reason.ts";

export interface WatchLimits extends WaitingLimits {
  /** How long a node may be out of touch before its pods count as lost. */
  readonly nodeLostSeconds: number;
}

/** What every pod goes through is no news before this. */
const USUAL_MS = 5_000;

/** What one attempt's pod is known to do. All news about it passes through here. */
export class WatchedPod {
  readonly folder: AttemptFolder;
  /** Resolves once, with how the task ended. */
  readonly whenOver: Promise<Exit>;
  /** Resolves with when user code began; undefined when it never did. */
  readonly whenRunning: Promise<number | undefined>;
  /** Ends what is still done to start it. */
  readonly letGo = new AbortController();
  /** As it was last seen. */
  pod: V1Pod | undefined;
  isGone = false;
  /** We asked for its end. */
  isStopped = false;
  exit: Exit | undefined;
  /** The copying of what it prints, how many bytes of it an earlier process copied, and when the last of them came. */
  log: Promise<void> | undefined;
  logSkip = 0;
  logProgressMs = 0;
  /** Resolves when the log of the ended task is whole. */
  whenLogged: Promise<void> | undefined;
  reason: string | undefined;
  readonly #madeMs = performance.now();
  #waiting: { code: string; sinceMs: number } | undefined;
  #outOfTouchSinceMs: number | undefined;
  #resolveOver: (exit: Exit) => void = () => undefined;
  #resolveRunning: (sinceMs: number | undefined) => void = () => undefined;

  constructor(folder: AttemptFolder) {
    this.folder = folder;
    this.whenOver = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    this.whenRunning = new Promise((resolve) => {
      this.#resolveRunning = resolve;
    });
  }

  see(pod: V1Pod): void {
    this.pod = pod;
    this.isGone = false;
    const sinceMs = startedAtMs(pod);
    if (sinceMs !== undefined) this.#resolveRunning(sinceMs);
    const exit = exitOf(pod, this.isStopped);
    if (exit) this.end(exit);
  }

  seeGone(pod: V1Pod): void {
    this.pod = pod;
    this.isGone = true;
    this.end(exitOfGone(pod, this.isStopped));
  }

  /** The first end counts. */
  end(exit: Exit): void {
    this.exit ??= exit;
    this.#resolveRunning(undefined);
    this.#resolveOver(this.exit);
  }

  /** Why it does not run yet, when that is news. */
  newReason(limits: WaitingLimits): string | undefined {
    const waiting = this.pod && !this.exit ? waitingOf(this.pod, limits) : undefined;
    if (!waiting || waiting.reason === this.reason) return undefined;
    if (waiting.isUsual && performance.now() - this.#madeMs < USUAL_MS) return undefined;
    this.reason = waiting.reason;
    return waiting.reason;
  }

  /** Ends what waited for too long; true when the pod is to be removed by force, as nobody else will. */
  checkTime(limits: WatchLimits): boolean {
    if (!this.pod || this.exit) return false;
    if (this.#isLost(this.pod, limits.nodeLostSeconds)) {
      this.end(nodeLost(this.pod, this.isStopped));
      return true;
    }
    const failure = this.#waitedTooLong(this.pod, limits);
    if (failure) this.end({ type: "failed", failure });
    return false;
  }

  #isLost(pod: V1Pod, graceSeconds: number): boolean {
    const deadlineMs = deadlineOf(pod);
    if (deadlineMs !== undefined && Date.now() > deadlineMs + graceSeconds * 1_000) return true;
    if (!isOutOfTouch(pod)) this.#outOfTouchSinceMs = undefined;
    else this.#outOfTouchSinceMs ??= performance.now();
    return this.#outOfTouchSinceMs !== undefined && performance.now() - this.#outOfTouchSinceMs > graceSeconds * 1_000;
  }

  #waitedTooLong(pod: V1Pod, limits: WaitingLimits): ReportedFailure | undefined {
    const waiting = waitingOf(pod, limits);
    if (!waiting) return undefined;
    const { limitSeconds, failure } = waiting;
    // Pulls that fail are tried again: ErrImagePull and ImagePullBackOff take turns and are one wait.
    const code = limitSeconds === undefined ? "" : `${limitSeconds} ${failure.kind} ${failure.recoverable}`;
    if (this.#waiting?.code !== code) this.#waiting = { code, sinceMs: performance.now() };
    if (limitSeconds === undefined) return undefined;
    return performance.now() - this.#waiting.sinceMs >= limitSeconds * 1_000 ? failure : undefined;
  }
}

import { AGENT_LEASE_MS, HEARTBEAT_INTERVAL_MS, type HeartbeatRequest, type HeartbeatResponse } from "@skein/contracts";
import type { Logger } from "@skein/telemetry";
import type { ApiClient } from "./api-client.ts";

export interface HeartbeatOptions {
  readonly api: ApiClient;
  readonly logger: Logger;
  readonly request: () => HeartbeatRequest;
  /** What comes before the first beat; tried again until it succeeds. */
  readonly beforeFirst?: () => Promise<void>;
  readonly onAnswer: (answer: HeartbeatResponse, request: HeartbeatRequest) => void;
}

/** Far more than a beat that nobody answers takes. */
const STUCK_MS = 60_000;

/** Says every second that this agent lives and what it holds. An api that is away changes nothing but the log. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #whenFirst: Promise<void>;
  #onFirst: () => void = () => undefined;
  #lastAnswerMs: number | undefined;
  #lastBeatMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isFailing = false;
  #isPrepared = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#whenFirst = new Promise((resolve) => {
      this.#onFirst = resolve;
    });
    void this.#beat();
  }

  /** Resolves with the first answer. */
  get whenFirst(): Promise<void> {
    return this.#whenFirst;
  }

  /** Undefined while the lease holds. */
  get problem(): string | undefined {
    if (this.#lastAnswerMs === undefined) return "the api has not answered yet";
    const silentMs = Date.now() - this.#lastAnswerMs;
    return silentMs < AGENT_LEASE_MS ? undefined : `the api has not answered for ${Math.round(silentMs / 1000)} s`;
  }

  /** Undefined while beats are made, answered or not. */
  get stuck(): string | undefined {
    const silentMs = performance.now() - this.#lastBeatMs;
    return silentMs < STUCK_MS || !this.#isPrepared
      ? undefined
      : `no heartbeat was tried for ${Math.round(silentMs / 1000)} s`;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #beat(): Promise<void> {
    const start = Date.now();
    this.#lastBeatMs = performance.now();
    try {
      if (!this.#isPrepared) await this.#options.beforeFirst?.();
      if (this.#isClosed) return;
      this.#isPrepared = true;
      const request = this.#options.request();
      const answer = await this.#options.api.heartbeat(request);
      if (this.#isClosed) return;
      this.#lastAnswerMs = Date.now();
      this.#isFailing = false;
      this.#options.onAnswer(answer, request);
      this.#onFirst();
    } catch (error) {
      if (!this.#isFailing) this.#options.logger.warn({ err: error }, "The api did not take the heartbeat; trying on");
      this.#isFailing = true;
    }
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#beat(), Math.max(0, start + HEARTBEAT_INTERVAL_MS - Date.now()));
  }
}

import type Docker from "dockerode";

const EVERY_MS = 5_000;
/** Three pings without an answer. */
const SILENT_MS = 15_000;

/** Knows whether the daemon still answers. */
export class DaemonPulse {
  readonly #docker: Pick<Docker, "ping">;
  readonly #silentMs: number;
  readonly #timer: NodeJS.Timeout;
  #answeredMs = performance.now();
  #failure = "it does not answer";
  #isAsking = false;

  constructor(docker: Pick<Docker, "ping">, everyMs = EVERY_MS, silentMs = SILENT_MS) {
    this.#docker = docker;
    this.#silentMs = silentMs;
    this.#timer = setInterval(() => void this.#ask(), everyMs);
    this.#timer.unref();
  }

  /** Undefined while the daemon answers. */
  get problem(): string | undefined {
    const silentMs = performance.now() - this.#answeredMs;
    if (silentMs < this.#silentMs) return undefined;
    return `Docker has not answered for ${Math.round(silentMs / 1000)} s: ${this.#failure}`;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      await this.#docker.ping();
      this.#answeredMs = performance.now();
    } catch (error) {
      this.#failure = (error as Error).message;
    } finally {
      this.#isAsking = false;
    }
  }
}

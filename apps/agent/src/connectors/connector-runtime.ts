import { setTimeout as pause } from "node:timers/promises";
import type { ReportedFailure } from "@skein/contracts";
import type { Storage } from "@skein/storage";
import type { Logger } from "@skein/telemetry";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import { orAborted } from "../runtimes/or-aborted.ts";
import type { Exit, Launch, Runtime } from "../runtimes/runtime.ts";
import { type AttemptParts, ConnectorAttempt } from "./connector-attempt.ts";
import { readGrant, readRecord, recallRecord } from "./connector-record.ts";
import type { ConnectorRegistry } from "./connector-registry.ts";

export interface ConnectorRuntimeOptions {
  readonly registry: ConnectorRegistry;
  readonly storage: Storage;
  readonly logger: Logger;
}

/** At the end of this process, what connectors are just making is waited for: else they would make it again. */
const CREATED_MS = 10_000;

/**
 * Has connectors do tasks. A task that one made lives there: this process asks how it is, and the next one goes on asking.
 * Making one is at least once: if this process dies between the call and its answer on disk, another is made.
 */
export class ConnectorRuntime implements Omit<Runtime, "name"> {
  onWaiting?: (folder: AttemptFolder, reason: string) => void;
  readonly #options: ConnectorRuntimeOptions;
  readonly #attempts = new Map<string, ConnectorAttempt>();
  readonly #closed = new AbortController();

  constructor(options: ConnectorRuntimeOptions) {
    this.#options = options;
  }

  async start({ folder, grant, ...launch }: Launch): Promise<ReportedFailure | undefined> {
    const attempt = new ConnectorAttempt(folder, grant, this.#parts);
    this.#attempts.set(folder.key, attempt);
    attempt.start({ ...launch, folder, grant });
    return undefined;
  }

  async adopt(folder: AttemptFolder): Promise<boolean> {
    const grant = await readGrant(folder);
    const record = grant && (await recallRecord(folder, grant, this.#options.storage));
    if (!record) return false;
    const attempt = new ConnectorAttempt(folder, grant, this.#parts);
    this.#attempts.set(folder.key, attempt);
    attempt.goOn(record);
    return true;
  }

  async whenRunning(folder: AttemptFolder): Promise<number | undefined> {
    return await orAborted(this.#attempt(folder).whenRunning, this.#closed.signal);
  }

  async watch(folder: AttemptFolder): Promise<Exit> {
    return await orAborted(this.#attempt(folder).whenOver, this.#closed.signal);
  }

  async stop(folder: AttemptFolder): Promise<void> {
    this.#attempts.get(folder.key)?.stop();
  }

  async cleanup(folder: AttemptFolder): Promise<void> {
    const attempt = this.#attempts.get(folder.key) ?? (await this.#left(folder));
    await attempt?.cleanup();
    this.#attempts.delete(folder.key);
  }

  /** Connectors keep no list of tasks that we could compare. */
  async removeOrphans(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed.abort();
    const created = Promise.all([...this.#attempts.values()].map(({ creating }) => creating));
    await Promise.race([created, pause(CREATED_MS, undefined, { ref: false })]);
    this.#options.registry.close();
  }

  /** What an earlier process left and nobody asks after any more. */
  async #left(folder: AttemptFolder): Promise<ConnectorAttempt | undefined> {
    const [grant, record] = await Promise.all([readGrant(folder), readRecord(folder)]);
    if (!grant || !record || record.isOver) return undefined;
    const attempt = new ConnectorAttempt(folder, grant, this.#parts);
    attempt.stop();
    attempt.goOn(record);
    return attempt;
  }

  get #parts(): AttemptParts {
    const { registry, storage, logger } = this.#options;
    const onWaiting = (folder: AttemptFolder, reason: string) => this.onWaiting?.(folder, reason);
    return { registry, storage, logger, onWaiting, closing: this.#closed.signal };
  }

  #attempt(folder: AttemptFolder): ConnectorAttempt {
    const attempt = this.#attempts.get(folder.key);
    if (attempt) return attempt;
    throw new Error(`No connector does ${folder.key}`);
  }
}

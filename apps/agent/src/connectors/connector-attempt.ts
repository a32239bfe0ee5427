import { setTimeout as pause } from "node:timers/promises";
import type { ClaimGrant, ReportedFailure } from "@skein/contracts";
import { toBytes } from "@skein/idl";
import type { Resource } from "@skein/idl/connector";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import type { Logger } from "@skein/telemetry";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import { orAborted } from "../runtimes/or-aborted.ts";
import type { Exit, Launch } from "../runtimes/runtime.ts";
import { declaresOutputs, readTaskTemplate } from "../task/prepare-launch.ts";
import { OUTPUTS_FILE } from "../task/result-files.ts";
import type { ConnectorClient, ConnectorTask } from "./connector-client.ts";
import { awayReason, connectorFailure, isAway, refusal } from "./connector-errors.ts";
import { ConnectorLog } from "./connector-log.ts";
import { type ConnectorRecord, handleOf, keepNewRecord, storeRecord, updateRecord } from "./connector-record.ts";
import type { ConnectorRegistry } from "./connector-registry.ts";
import { toConnectorTask } from "./connector-task.ts";
import { Pace } from "./pace.ts";
import { readResource } from "./resource-phase.ts";

export interface AttemptParts {
  readonly registry: ConnectorRegistry;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly onWaiting: (folder: AttemptFolder, reason: string) => void;
  /** Aborts when this process lets go of everything. */
  readonly closing: AbortSignal;
}

/** So often in a row may a connector fail to say how a task is. */
const FAILURES_MAX = 5;
const RETRY_FIRST_MS = 500;
const RETRY_LONGEST_MS = 10_000;
const PUT_TRIES = 8;
/** A connector that is away for so long while its task shall be deleted keeps it. */
const DELETE_MS = 60_000;

/** One attempt at a task that a connector serves, from its start to its end. */
export class ConnectorAttempt {
  readonly #folder: AttemptFolder;
  readonly #grant: ClaimGrant;
  readonly #parts: AttemptParts;
  readonly #log: ConnectorLog;
  readonly #running = Promise.withResolvers<number | undefined>();
  readonly #over = Promise.withResolvers<Exit>();
  readonly #stopping = new AbortController();
  /** Aborts when somebody wants the task to end, or when this process lets go of it. */
  readonly #signal: AbortSignal;
  #record: ConnectorRecord | undefined;
  /** While the connector makes the task. */
  creating: Promise<unknown> = Promise.resolve();

  constructor(folder: AttemptFolder, grant: ClaimGrant, parts: AttemptParts) {
    this.#folder = folder;
    this.#grant = grant;
    this.#parts = parts;
    this.#log = new ConnectorLog(folder);
    this.#signal = AbortSignal.any([this.#stopping.signal, parts.closing]);
  }

  /** Has a connector do it, as soon as one can be found. */
  start(launch: Launch): void {
    void this.#follow(() => this.#start(launch));
  }

  /** Goes on with what an earlier process had a connector make. */
  goOn(record: ConnectorRecord): void {
    this.#record = record;
    void this.#follow(() => this.#poll(record));
  }

  /** When it began to run; undefined once it is over without that. */
  get whenRunning(): Promise<number | undefined> {
    return this.#running.promise;
  }

  get whenOver(): Promise<Exit> {
    return this.#over.promise;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Ends it, and has the connector delete what did not end by itself. */
  async cleanup(): Promise<void> {
    this.stop();
    await orAborted(this.#over.promise, this.#parts.closing);
    await this.#delete();
  }

  async #follow(work: () => Promise<Exit>): Promise<void> {
    const { closing } = this.#parts;
    let exit: Exit;
    try {
      exit = await work();
    } catch (error) {
      // The next process goes on with it.
      if (closing.aborted) return;
      exit = this.#stopping.signal.aborted
        ? { type: "vanished", message: "The attempt was stopped" }
        : failed(connectorFailure((error as Error).message));
    }
    try {
      if (this.#stopping.signal.aborted) await this.#delete();
    } catch {
      return;
    }
    this.#running.resolve(undefined);
    this.#over.resolve(exit);
  }

  async #start(launch: Launch): Promise<Exit> {
    const { registry, storage } = this.#parts;
    const served = await registry.whenKnown(launch.template, this.#signal, (reason) => this.#wait(reason));
    if (!served) return failed(unserved(launch));
    const task = await toConnectorTask(launch, storage);
    if (served.isSync) return await this.#execute(served.client, task);
    const made = this.#create(served.client, task);
    this.creating = made.catch(() => undefined);
    const record = await made;
    return "code" in record ? failed(record) : await this.#poll(record);
  }

  /** Asks until the connector answers. What it made is on disk before anything else happens. */
  async #create(client: ConnectorClient, task: ConnectorTask): Promise<ConnectorRecord | ReportedFailure> {
    const { storage, logger } = this.#parts;
    const { type, taskTypeVersion } = task.template;
    for (const pace = new Pace(RETRY_FIRST_MS, RETRY_LONGEST_MS); ; ) {
      try {
        const resourceMeta = Buffer.from(await client.create(task, this.#signal)).toString("base64");
        const made = { connector: client.name, type, version: taskTypeVersion, resourceMeta };
        const record = { ...made, createdAtMs: Date.now(), isOver: false };
        this.#record = record;
        await keepNewRecord(this.#folder, record);
        await storeRecord(storage, task.outputPrefix, record).catch((error: unknown) =>
          logger.warn({ err: error, attempt: this.#folder.key }, "What a connector made is on this disk only"),
        );
        await this.#log.say([`${client.name} took the task`]);
        return record;
      } catch (error) {
        this.#signal.throwIfAborted();
        if (this.#record) throw error;
        if (!isAway(error)) return refusal(error);
        this.#wait(awayReason(client.name, error));
        await this.#pause(pace);
      }
    }
  }

  async #poll(record: ConnectorRecord): Promise<Exit> {
    const client = this.#parts.registry.client(record.connector);
    if (!client) return failed(connectorFailure(`The connector ${record.connector} is not configured any more`));
    const handle = handleOf(record, this.#grant.outputPrefix);
    const pace = new Pace(Math.min(200, client.config.pollMs), client.config.pollMs);
    const retries = new Pace(Math.min(1_000, client.config.pollMs), client.config.pollMs);
    if (record.runningSinceMs !== undefined) this.#running.resolve(record.runningSinceMs);
    for (let failures = 0, phase = ""; ; ) {
      await this.#pause(failures === 0 ? pace : retries);
      try {
        const resource = await client.get(handle, this.#signal);
        failures = 0;
        retries.reset();
        const { exit, reason } = await this.#see(resource);
        const token = this.#record?.logToken ?? "";
        const options = { signal: this.#signal, isEnd: exit !== undefined };
        const next = await this.#log.pull(client, handle, token, options);
        if (exit) await this.#note({ isOver: true });
        else if (next !== token) await this.#note({ logToken: next });
        if (exit) return exit;
        if (reason !== undefined) this.#wait(reason);
        if (phase !== (reason ?? "running")) pace.reset();
        phase = reason ?? "running";
      } catch (error) {
        this.#signal.throwIfAborted();
        if (isAway(error)) {
          this.#wait(awayReason(client.name, error));
          continue;
        }
        failures += 1;
        const message = `The connector ${client.name} failed ${failures} times to say how the task is: ${(error as Error).message}`;
        if (failures >= FAILURES_MAX) return failed(connectorFailure(message));
      }
    }
  }

  async #execute(client: ConnectorClient, task: ConnectorTask): Promise<Exit> {
    await this.#untilThere(client);
    this.#running.resolve(Date.now());
    try {
      const { exit } = await this.#see(await client.execute(task, this.#signal));
      return exit ?? failed(connectorFailure(`The connector ${client.name} answered before the task was over`));
    } catch (error) {
      this.#signal.throwIfAborted();
      // It may have done the task all the same.
      if (isAway(error)) return failed(connectorFailure(`The connector broke off: ${(error as Error).message}`));
      return failed(refusal(error));
    }
  }

  async #untilThere(client: ConnectorClient): Promise<void> {
    for (const pace = new Pace(RETRY_FIRST_MS, RETRY_LONGEST_MS); ; ) {
      try {
        await client.list(this.#signal);
        return;
      } catch (error) {
        this.#signal.throwIfAborted();
        this.#wait(awayReason(client.name, error));
        await this.#pause(pace);
      }
    }
  }

  /** Writes down what is new; an exit once the task is over. */
  async #see(resource: Resource): Promise<{ readonly exit?: Exit; readonly reason?: string }> {
    await this.#log.tell(resource);
    const progress = readResource(resource);
    if (progress.type === "waiting") return { reason: progress.reason };
    await this.#noteRunning(progress.type === "running" ? Date.now() : undefined);
    if (progress.type === "running") return {};
    if (progress.type === "failed") return { exit: failed(progress.failure) };
    await this.#keepOutputs(progress.outputs);
    return { exit: { type: "exited", code: 0 } };
  }

  /** One that is over was never seen to run: it began when it was made. */
  async #noteRunning(sinceMs: number | undefined): Promise<void> {
    if (!this.#record || this.#record.runningSinceMs !== undefined) return;
    const runningSinceMs = sinceMs ?? this.#record.createdAtMs;
    await this.#note({ runningSinceMs });
    this.#running.resolve(runningSinceMs);
  }

  /** As if the connector had left them in the object store. */
  async #keepOutputs(outputs: LiteralMap | undefined): Promise<void> {
    if (!outputs || !declaresOutputs(readTaskTemplate(this.#grant))) return;
    const uri = `${this.#grant.outputPrefix}/${OUTPUTS_FILE}`;
    const pace = new Pace(RETRY_FIRST_MS, RETRY_LONGEST_MS);
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#parts.storage.put(uri, toBytes(LiteralMapSchema, outputs));
      } catch (error) {
        if (tries >= PUT_TRIES) throw error;
        await this.#pause(pace);
      }
    }
  }

  async #delete(): Promise<void> {
    const record = this.#record;
    const { registry, logger, closing } = this.#parts;
    const client = record && registry.client(record.connector);
    if (!record || record.isOver || !client) return;
    const untilMs = Date.now() + DELETE_MS;
    for (const pace = new Pace(RETRY_FIRST_MS, RETRY_LONGEST_MS); ; ) {
      try {
        await client.delete(handleOf(record, this.#grant.outputPrefix), closing);
        break;
      } catch (error) {
        closing.throwIfAborted();
        logger.warn({ err: error, attempt: this.#folder.key }, "A connector did not delete a task");
        if (Date.now() >= untilMs) break;
        await pause(pace.next(), undefined, { signal: closing });
      }
    }
    await this.#note({ isOver: true });
  }

  async #note(news: Partial<ConnectorRecord>): Promise<void> {
    if (!this.#record) return;
    this.#record = { ...this.#record, ...news };
    await updateRecord(this.#folder, this.#record);
  }

  #wait(reason: string): void {
    this.#parts.onWaiting(this.#folder, reason);
  }

  async #pause(pace: Pace): Promise<void> {
    await pause(pace.next(), undefined, { signal: this.#signal });
  }
}

const failed = (failure: ReportedFailure): Exit => ({ type: "failed", failure });

/** Where it has a container, the agent's own runtime takes the next try: by then it is clear that no connector does. */
function unserved({ template }: Launch): ReportedFailure {
  const what = `type ${JSON.stringify(template.type)}, version ${template.taskTypeVersion}`;
  if (template.target.case !== undefined) return connectorFailure(`No connector serves tasks of ${what}`);
  const message = `The task has no container, and no connector of this agent serves tasks of ${what}`;
  return { code: "InvalidTask", message, kind: "user", recoverable: false };
}

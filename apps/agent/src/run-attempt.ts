import { setTimeout as pause } from "node:timers/promises";
import {
  type AttemptId,
  AttemptOrder,
  attemptKey,
  ClaimGrant,
  type HeldResponse,
  Outcome,
  type ReportedFailure,
} from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import type { TakenOrder } from "@skein/queue";
import type { SecretSource } from "@skein/secrets";
import type { Logger } from "@skein/telemetry";
import { z } from "zod";
import type { ClientPlaces } from "./client-places.ts";
import { type HeldAttempt, holdAttempt } from "./held-attempt.ts";
import type { Hosts } from "./hosts.ts";
import type { AttemptFolder } from "./ledger/attempt-folder.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { ClaimBatcher, ClaimResult } from "./link/claim-batcher.ts";
import type { DeckShipper } from "./link/deck-shipper.ts";
import type { LogShipper } from "./link/log-shipper.ts";
import type { ReportOutbox } from "./link/report-outbox.ts";
import type { Exit, Launch } from "./runtimes/runtime.ts";
import { maskOutcome, SecretKeeper } from "./secrets/secret-keeper.ts";
import { collect } from "./task/collect.ts";
import { INPUT_DOWNLOAD_FAILED } from "./task/raw-container.ts";
import { fitMessage } from "./task/verdict.ts";
import { WaitingNotes } from "./waiting-notes.ts";

export interface AttemptRunnerOptions {
  readonly ledger: Ledger;
  readonly hosts: Hosts;
  readonly claims: ClaimBatcher;
  readonly outbox: ReportOutbox;
  readonly logs: LogShipper;
  readonly decks: DeckShipper;
  readonly clients: ClientPlaces;
  /** The agent's own, for secrets that the api does not have. */
  readonly secrets: SecretSource;
  readonly outputBytesMax: number;
  readonly logger: Logger;
  readonly onEnded: (outcome: Outcome["type"]) => void;
  /** Aborts when this process lets go of everything. */
  readonly closing: AbortSignal;
}

const STOP_GRACE_MS = 5_000;
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 2_000;
const COLLECT_TRIES = 8;

/** An attempt that goes on; `done` resolves when its slot is free. */
interface Resumed {
  readonly done: Promise<void>;
}

const State = z.object({ startedAtMs: z.number(), isRunning: z.boolean().default(true) });

/** The life of every attempt that this agent holds: claim, start, watch, collect, report, forget. */
export class AttemptRunner {
  readonly #options: AttemptRunnerOptions;
  readonly #held = new Map<string, HeldAttempt>();
  readonly #secrets: SecretKeeper;
  /** Why attempts do not run yet. */
  readonly waiting = new WaitingNotes();

  constructor(options: AttemptRunnerOptions) {
    this.#options = options;
    const { secrets: source, claims, logger, closing, hosts } = options;
    this.#secrets = new SecretKeeper({ source, claim: (order) => claims.claim(order), logger, closing });
    for (const { runtime } of [hosts.own, ...hosts.others]) {
      runtime.onWaiting = ({ id }, reason) => this.waiting.note(id, reason);
    }
  }

  /** Claimed and not settled: what a heartbeat names. */
  get claimed(): AttemptId[] {
    const claimed = [...this.#held.values()].filter((held) => held.grant && !held.isSettled);
    return claimed.map(({ folder }) => folder.id);
  }

  /** Runs an order to its end. Resolves when the slot is free again; the report may still wait to be settled. */
  async take(taken: TakenOrder): Promise<void> {
    const folder = await this.#options.ledger.create(taken.order);
    if (!folder) {
      await taken.settle();
      return;
    }
    const held = this.#hold(folder, taken.order);
    const isGranted = await this.#claim(held);
    void taken.settle();
    if (isGranted) await this.#inSlot(held, () => this.#execute(held));
  }

  #hold(folder: AttemptFolder, order: AttemptOrder): HeldAttempt {
    const held = holdAttempt(folder, order, this.#options.hosts.own);
    this.#held.set(folder.key, held);
    return held;
  }

  async #findHost(held: HeldAttempt): Promise<void> {
    if (held.grant) held.host = await this.#options.hosts.hostOf(held.folder, held.grant);
  }

  /** A task that is a client of the server, or that others do, may leave its slot while it runs. */
  #inSlot(held: HeldAttempt, work: () => Promise<void>): Promise<void> {
    const { clients, closing, logger } = this.#options;
    const places = held.host.places ?? (held.grant?.platform ? clients : undefined);
    if (!places) return work();
    return places.run(work, (error) => {
      if (!closing.aborted) logger.error({ err: error, attempt: held.folder.key }, "A task could not be run");
    });
  }

  /** Goes on with what an earlier agent process left. */
  async resume(folder: AttemptFolder): Promise<Resumed> {
    const order = await folder.read("order", AttemptOrder);
    if (!order) {
      await this.#options.hosts.own.runtime.cleanup(folder);
      await this.#options.ledger.remove(folder);
      return { done: Promise.resolve() };
    }
    const held = this.#hold(folder, order);
    this.#secrets.reopen(held, await folder.read("grant", ClaimGrant));
    await this.#findHost(held);
    held.outcome = await folder.read("verdict", Outcome);
    const state = await folder.read("state", State);
    held.startedAtMs = state?.startedAtMs;
    held.isRunning = state?.isRunning ?? false;
    held.mustStop = (await folder.read("stop", z.boolean())) ?? false;
    if (held.outcome) {
      void this.#sendRest(held);
      void this.#options.outbox.sendOutcome(held);
      return { done: Promise.resolve() };
    }
    return { done: this.#inSlot(held, () => this.#goOn(held)) };
  }

  /**
   * Goes on with an attempt that the api says is this agent's; undefined when the disk knows it. What ran on this machine
   * lost its folders with the disk, so it is ended; a pod goes on.
   */
  async takeBack({ order, grant, startedAtMs }: HeldResponse["attempts"][number]): Promise<Resumed | undefined> {
    const folder = await this.#options.ledger.create(order);
    if (!folder) return undefined;
    const held = this.#hold(folder, order);
    await Promise.all([this.#secrets.acceptAgain(held, grant), folder.prepare()]);
    await this.#findHost(held);
    if (startedAtMs !== null) await this.#noteStart(held, startedAtMs, true);
    const done = this.#inSlot(held, async () => {
      if (held.host.place.isOnDisk) await held.host.runtime.cleanup(folder);
      else {
        if (startedAtMs === null) await this.#noteStart(held, Date.now(), false);
        if (await this.#adopt(held)) return;
      }
      if (startedAtMs !== null) return this.#endLost(held);
      // What was granted anew may lack secrets.
      if (await this.#claim(held)) await this.#execute(held);
    });
    return { done };
  }

  stop(id: AttemptId): void {
    const held = this.#held.get(attemptKey(id));
    if (!held || held.mustStop || held.outcome) return;
    held.mustStop = true;
    void this.#stopNow(held);
  }

  /** Kills every task that still runs here. Its attempt counts as lost, now or when the next agent finds it gone. */
  async endTasks(): Promise<void> {
    const running = [...this.#held.values()].filter((held) => held.startedAtMs !== undefined && !held.outcome);
    const ours = running.filter(({ host }) => !host.keepsTasks);
    await Promise.allSettled(ours.map(({ host, folder }) => host.runtime.cleanup(folder)));
  }

  settle(id: AttemptId): void {
    const held = this.#held.get(attemptKey(id));
    if (!held?.grant || held.isSettled) return;
    held.isSettled = true;
    this.#options.outbox.forget(held);
    // One that still runs is killed; whoever watches it then forgets it.
    const isOver = held.outcome !== undefined;
    const work = isOver ? this.#forget(held) : held.host.runtime.cleanup(held.folder);
    work.catch((error) => this.#options.logger.error({ err: error, attempt: held.folder.key }, "Cannot clean up"));
  }

  async #goOn(held: HeldAttempt): Promise<void> {
    // A grant that nothing came of may be another agent's by now.
    if ((!held.grant || !held.isRunning) && !(await this.#claim(held))) return;
    if (held.startedAtMs === undefined) return this.#execute(held);
    if (await this.#adopt(held)) return;
    await (held.isRunning ? this.#endLost(held) : this.#execute(held));
  }

  /** Follows to its end what was started; false when there is nothing of it. */
  async #adopt(held: HeldAttempt): Promise<boolean> {
    await this.#secrets.recall(held);
    await this.#options.logs.follow(held);
    if (!(await held.host.runtime.adopt(held.folder))) return false;
    if (held.mustStop) void this.#stopNow(held);
    await this.#watch(held, held.isRunning);
    return true;
  }

  /** What an attempt printed before it ended, and before this process began. */
  async #sendRest(held: HeldAttempt): Promise<void> {
    const { logs, closing, logger } = this.#options;
    try {
      await this.#secrets.recall(held);
      await logs.follow(held);
      // What was not read when this process's forerunner ended.
      if (held.host.runtime.whenLogged) await held.host.runtime.adopt(held.folder);
      await this.#finishLog(held);
    } catch (error) {
      if (!closing.aborted) logger.error({ err: error, attempt: held.folder.key }, "The rest of a log was not sent");
    }
  }

  #endLost(held: HeldAttempt): Promise<void> {
    const message = "The agent was restarted, and nothing was left of what it ran for this attempt";
    return this.#end(held, { type: "lost", endedAtMs: Date.now(), message });
  }

  /** Asks until the api answers. A refused attempt is forgotten. */
  async #claim(held: HeldAttempt): Promise<boolean> {
    const { claims, closing, logger } = this.#options;
    let result: Exclude<ClaimResult, { later: string }> | undefined;
    for (let delayMs = RETRY_FIRST_MS; result === undefined; delayMs = Math.min(delayMs * 2, RETRY_LONGEST_MS)) {
      try {
        const answer = await claims.claim(held.order);
        if ("later" in answer) throw new SkeinError("unavailable", "claim_later", answer.later);
        result = answer;
      } catch (error) {
        logger.warn({ err: error, attempt: held.folder.key }, "A claim was not answered; asking again");
        await pause(delayMs, undefined, { signal: closing });
      }
    }
    if ("refused" in result) {
      logger.debug({ attempt: held.folder.key, refused: result.refused }, "Claim refused");
      await this.#forget(held);
      return false;
    }
    await this.#secrets.accept(held, result.granted);
    await this.#findHost(held);
    return true;
  }

  async #execute(held: HeldAttempt): Promise<void> {
    const { runtime } = held.host;
    let launch: Launch;
    try {
      launch = await this.#prepare(held);
    } catch (error) {
      return this.#endUnstarted(held, error);
    }
    if (held.mustStop || held.isSettled) return this.#end(held, { type: "stopped", endedAtMs: Date.now() });
    await this.#noteStart(held, Date.now(), runtime.whenRunning === undefined);
    await this.#options.logs.follow(held);
    const failure = await runtime.start(launch).catch(startFailure);
    if (failure) return this.#end(held, { type: "failed", startedAtMs: null, endedAtMs: Date.now(), failure });
    // The wish to stop may have come while the task was being started.
    if (held.mustStop) void this.#stopNow(held);
    if (held.isSettled) await runtime.cleanup(held.folder);
    await this.#watch(held, false);
  }

  async #noteStart(held: HeldAttempt, startedAtMs: number, isRunning: boolean): Promise<void> {
    await held.folder.write("state", { startedAtMs, isRunning });
    held.startedAtMs = startedAtMs;
    held.isRunning = isRunning;
  }

  async #prepare(held: HeldAttempt): Promise<Launch> {
    if (!held.grant) throw new SkeinError("internal", "no_grant", "The attempt was not granted");
    const secrets = await this.#secrets.open(held);
    return { ...(await held.host.prepare(held.folder, held.grant)), secrets };
  }

  /** A task that cannot be run anywhere fails for good; anything else is the platform's, and is tried again. */
  async #endUnstarted(held: HeldAttempt, error: unknown): Promise<void> {
    const isTasksFault = error instanceof SkeinError && ["invalid_argument", "unimplemented"].includes(error.code);
    const message = fitMessage(error instanceof Error ? error.message : String(error));
    const code =
      error instanceof SkeinError && error.reason === INPUT_DOWNLOAD_FAILED ? "InputDownloadFailed" : undefined;
    const failure = isTasksFault
      ? { code: code ?? "InvalidTask", message, kind: "user" as const, recoverable: false }
      : { code: code ?? "PrepareFailed", message, kind: "system" as const, recoverable: true };
    await this.#end(held, { type: "failed", startedAtMs: null, endedAtMs: Date.now(), failure });
  }

  async #watch(held: HeldAttempt, isAnnounced: boolean): Promise<void> {
    const { decks, closing } = this.#options;
    let exit: Exit;
    if (held.grant) decks.follow(held.folder, held.grant, held.host.place.isOnDisk);
    const announced = isAnnounced ? undefined : this.#announce(held);
    try {
      exit = await held.host.runtime.watch(held.folder);
    } catch (error) {
      if (closing.aborted) return;
      exit = { type: "vanished", message: `The runtime lost sight of the task: ${(error as Error).message}` };
    } finally {
      await decks.release(held.folder);
    }
    const endedAtMs = Date.now();
    await announced;
    const outcome: Outcome =
      held.mustStop || held.isSettled ? { type: "stopped", endedAtMs } : await this.#collect(held, exit, endedAtMs);
    await this.#end(held, outcome);
  }

  /** Reports that user code runs, once it does. Should that fail, the outcome says the same and more. */
  async #announce(held: HeldAttempt): Promise<void> {
    const { outbox, closing, logger } = this.#options;
    const { folder, host } = held;
    try {
      if (!held.isRunning) {
        const sinceMs = await host.runtime.whenRunning?.(folder);
        if (sinceMs === undefined) return;
        // Another machine's clock, and one that knows but seconds.
        await this.#noteStart(held, Math.min(Date.now(), Math.max(held.startedAtMs ?? 0, sinceMs)), true);
      }
      this.waiting.forget(folder.id);
      const imageDigest = await host.runtime.imageDigest?.(folder).catch(() => undefined);
      await outbox.sendStarted(held, held.startedAtMs ?? Date.now(), imageDigest);
    } catch (error) {
      if (!closing.aborted) logger.warn({ err: error, attempt: folder.key }, "Cannot tell when a task began");
    }
  }

  /** The object store may be away for a moment; what the task computed is not thrown away for that. */
  async #collect(held: HeldAttempt, exit: Exit, endedAtMs: number): Promise<Outcome> {
    const { outputBytesMax, logger, closing } = this.#options;
    const { place } = held.host;
    const grant = held.grant as ClaimGrant;
    const startedAtMs = held.startedAtMs ?? endedAtMs;
    const begunAtMs = held.isRunning ? startedAtMs : null;
    let message = "";
    for (let tries = 0; tries < COLLECT_TRIES; tries += 1) {
      try {
        const outcome = await collect(held.folder, exit, { place, grant, outputBytesMax, startedAtMs, endedAtMs });
        return outcome.type === "failed" ? { ...outcome, startedAtMs: begunAtMs } : outcome;
      } catch (error) {
        logger.warn({ err: error, attempt: held.folder.key }, "Outputs could not be stored; trying again");
        message = (error as Error).message;
        await pause(Math.min(RETRY_FIRST_MS * 2 ** tries, RETRY_LONGEST_MS), undefined, { signal: closing });
      }
    }
    const failure = systemFailure("OutputUploadFailed", message);
    return { type: "failed", startedAtMs: begunAtMs, endedAtMs, failure };
  }

  /** The verdict is on disk before anybody hears of it, so that a restarted agent says the same. */
  async #end(held: HeldAttempt, said: Outcome): Promise<void> {
    const { outbox, onEnded } = this.#options;
    const outcome = maskOutcome(said, held.mask);
    onEnded(outcome.type);
    await held.folder.write("verdict", outcome, { sync: true });
    held.outcome = outcome;
    this.waiting.forget(held.folder.id);
    if (held.isSettled) return this.#forget(held);
    void this.#finishLog(held).catch(() => undefined);
    await outbox.sendOutcome(held);
  }

  async #finishLog(held: HeldAttempt): Promise<void> {
    if (held.startedAtMs !== undefined) await held.host.runtime.whenLogged?.(held.folder);
    await this.#options.logs.finish(held);
  }

  async #stopNow(held: HeldAttempt): Promise<void> {
    try {
      await held.folder.write("stop", true);
      if (held.startedAtMs !== undefined) await held.host.runtime.stop(held.folder, STOP_GRACE_MS);
    } catch (error) {
      this.#options.logger.error({ err: error, attempt: held.folder.key }, "Cannot stop a task");
    }
  }

  async #forget(held: HeldAttempt): Promise<void> {
    const { ledger, outbox } = this.#options;
    outbox.forget(held);
    await this.#finishLog(held);
    if (held.startedAtMs !== undefined) await held.host.runtime.cleanup(held.folder);
    await ledger.remove(held.folder);
    this.#held.delete(held.folder.key);
  }
}

const systemFailure = (code: string, message: string): ReportedFailure => ({
  code,
  message: fitMessage(message),
  kind: "system",
  recoverable: true,
});

const startFailure = ({ message }: Error): ReportedFailure =>
  systemFailure("StartFailed", `The runtime could not start the task: ${message}`);

import { appendFile, stat } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { V1Pod, V1PodTemplate } from "@kubernetes/client-node";
import { attemptKey, type ReportedFailure } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import type { AttemptFolder } from "../../ledger/attempt-folder.ts";
import { orAborted } from "../or-aborted.ts";
import type { Exit, Launch, Runtime } from "../runtime.ts";
import { type ClusterClient, ClusterError } from "./cluster-client.ts";
import { createPod, startFailure } from "./create-pod.ts";
import {
  AGENT_LABEL,
  agentLabel,
  attemptOf,
  DOWNLOADER,
  namespaceOf,
  type PodSettings,
  podName,
  podTemplateName,
  primaryContainerOf,
  toPod,
  UPLOADER,
} from "./pod/index.ts";
import { PodInformer } from "./pod-informer.ts";
import { copyLog, readLogEnd } from "./pod-logs.ts";
import { allStatuses, digestOf, isOver, primaryStatus } from "./pod-status.ts";
import { NamespaceKeeper } from "./prepare-namespace.ts";
import { WatchedPod, type WatchLimits } from "./watched-pod.ts";

export interface KubernetesSettings extends WatchLimits {
  readonly pods: PodSettings;
  /** Whether Skein makes the namespaces of projects. */
  readonly makesNamespaces: boolean;
}

const TICK_MS = 500;
const LOG_BEGINS_MS = 300;
const LOG_SILENCE_MS = 5_000;
const LOG_CHECK_MS = 500;
const DELETE_TRIES = 12;
const RETRY_FIRST_MS = 250;
const RETRY_LONGEST_MS = 5_000;

/**
 * Runs tasks as pods, one for each attempt. A pod is found again by its labels alone. What becomes of pods is told by a
 * single watch; an attempt costs two writes: its pod is created and deleted.
 */
export class KubernetesRuntime implements Runtime {
  readonly name = "kubernetes";
  onWaiting?: (folder: AttemptFolder, reason: string) => void;
  readonly #client: ClusterClient;
  readonly #settings: KubernetesSettings;
  readonly #informer: PodInformer;
  readonly #namespaces: NamespaceKeeper;
  /** By attempt. */
  readonly #pods = new Map<string, V1Pod>();
  readonly #watched = new Map<string, WatchedPod>();
  /** Pods that we deleted and that are not gone yet. */
  readonly #leaving = new Set<string>();
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(client: ClusterClient, settings: KubernetesSettings) {
    const { agentId, namespace } = settings.pods;
    this.#client = client;
    this.#settings = settings;
    this.#namespaces = new NamespaceKeeper(client, settings.pods, settings.makesNamespaces);
    this.#informer = new PodInformer({
      client,
      path: namespace === undefined ? "/api/v1/pods" : `/api/v1/namespaces/${namespace}/pods`,
      labelSelector: `${AGENT_LABEL}=${agentLabel(agentId)}`,
      onPod: (pod) => this.#see(pod),
      onGone: (pod) => this.#seeGone(pod),
    });
  }

  /** Resolves when all pods of this agent are known. */
  async open(): Promise<void> {
    await this.#informer.start();
    this.#timer = setInterval(() => this.#checkTime(), TICK_MS);
  }

  async start(launch: Launch): Promise<ReportedFailure | undefined> {
    const watched = this.#watch(launch.folder);
    const { grant } = launch;
    const { pods } = this.#settings;
    const namespace = namespaceOf(grant, pods);
    const signal = AbortSignal.any([watched.letGo.signal, this.#closed.signal]);
    try {
      const made = toPod(launch, pods, await this.#podTemplate(launch, namespace));
      const pod = await createPod(made, {
        client: this.#client,
        prepareNamespace: () => this.#namespaces.prepare(namespace, grant),
        forgetNamespace: () => this.#namespaces.forget(namespace),
        onWaiting: (reason) => this.onWaiting?.(launch.folder, reason),
        signal,
      });
      this.#informer.add(pod);
      if (!watched.pod) this.#see(pod);
    } catch (error) {
      this.#closed.signal.throwIfAborted();
      if (!watched.letGo.signal.aborted) return startFailure(error);
      watched.end({ type: "vanished", message: "The attempt was stopped before its pod was made" });
      // The server may have made it all the same.
      await this.#deletePod({ metadata: { namespace, name: podName(launch, pods) } }, 1);
    }
    return undefined;
  }

  async adopt(folder: AttemptFolder): Promise<boolean> {
    const pod = this.#pods.get(folder.key);
    if (!pod) return false;
    const kept = await stat(folder.log).catch(() => undefined);
    this.#watch(folder).logSkip = kept?.size ?? 0;
    this.#see(pod);
    return true;
  }

  async whenRunning(folder: AttemptFolder): Promise<number | undefined> {
    return await orAborted(this.#watch(folder).whenRunning, this.#closed.signal);
  }

  async imageDigest(folder: AttemptFolder): Promise<string | undefined> {
    const { pod } = this.#watch(folder);
    return pod && digestOf(pod);
  }

  async watch(folder: AttemptFolder): Promise<Exit> {
    return await orAborted(this.#watch(folder).whenOver, this.#closed.signal);
  }

  async whenLogged(folder: AttemptFolder): Promise<void> {
    const watched = this.#watched.get(folder.key);
    if (!watched?.exit) return;
    watched.whenLogged ??= this.#finishLog(watched);
    await watched.whenLogged;
  }

  async stop(folder: AttemptFolder, graceMs: number): Promise<void> {
    const watched = this.#watch(folder);
    watched.isStopped = true;
    if (!watched.pod) return watched.letGo.abort();
    if (watched.isGone || this.#isLeaving(watched.pod)) return;
    await this.#deletePod(watched.pod, Math.max(1, Math.ceil(graceMs / 1_000)));
  }

  async cleanup(folder: AttemptFolder): Promise<void> {
    const watched = this.#watched.get(folder.key);
    if (watched && !watched.pod) watched.letGo.abort();
    const pod = watched?.pod ?? this.#pods.get(folder.key);
    if (watched?.exit) this.#watched.delete(folder.key);
    else if (watched) watched.isStopped = true;
    if (!pod || watched?.isGone) return;
    // One that still runs may have been given a grace, which is over now.
    if (this.#isLeaving(pod) && (!watched || watched.exit)) return;
    await this.#deletePod(pod, isOver(pod) ? 0 : 1);
  }

  async removeOrphans(known: ReadonlySet<string>): Promise<void> {
    const orphans = this.#informer.pods.filter((pod) => {
      const id = attemptOf(pod);
      return id === undefined || !known.has(attemptKey(id));
    });
    await Promise.all(orphans.map((pod) => this.#deletePod(pod, isOver(pod) ? 0 : 1)));
  }

  problem(): string | undefined {
    return this.#informer.problem;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed.abort();
    this.#informer.close();
    this.#client.close();
  }

  #watch(folder: AttemptFolder): WatchedPod {
    const known = this.#watched.get(folder.key);
    if (known) return known;
    const watched = new WatchedPod(folder);
    this.#watched.set(folder.key, watched);
    return watched;
  }

  #watchedOf(pod: V1Pod): WatchedPod | undefined {
    const id = attemptOf(pod);
    return id && this.#watched.get(attemptKey(id));
  }

  #see(pod: V1Pod): void {
    const id = attemptOf(pod);
    if (id) this.#pods.set(attemptKey(id), pod);
    const watched = this.#watchedOf(pod);
    if (!watched) return;
    const wasOver = watched.exit !== undefined;
    const { state } = primaryStatus(pod) ?? {};
    if (!watched.log && (state?.running || state?.terminated)) watched.log = this.#copyLog(pod, watched);
    watched.see(pod);
    if (!wasOver) this.#tellReason(watched);
  }

  #seeGone(pod: V1Pod): void {
    const id = attemptOf(pod);
    if (id) this.#pods.delete(attemptKey(id));
    this.#leaving.delete(pod.metadata?.uid ?? "");
    this.#watchedOf(pod)?.seeGone(pod);
  }

  #tellReason(watched: WatchedPod): void {
    const reason = watched.newReason(this.#settings);
    if (reason !== undefined) this.onWaiting?.(watched.folder, reason);
  }

  #checkTime(): void {
    for (const watched of this.#watched.values()) {
      const { pod } = watched;
      this.#tellReason(watched);
      if (!watched.checkTime(this.#settings) || !pod) continue;
      void this.#deletePod(pod, 0).catch(() => undefined);
    }
  }

  async #finishLog(watched: WatchedPod): Promise<void> {
    await this.#untilLogEnds(watched);
    if (watched.pod) await this.#addCopilotsWords(watched.pod, watched.folder);
  }

  /** A long log may take its time, as long as it gets on. */
  async #untilLogEnds(watched: WatchedPod): Promise<void> {
    let hasEnded = watched.log === undefined;
    void watched.log?.then(() => {
      hasEnded = true;
    });
    watched.logProgressMs = performance.now();
    while (!hasEnded && performance.now() - watched.logProgressMs < LOG_SILENCE_MS) {
      await Promise.race([watched.log, pause(LOG_CHECK_MS, undefined, { signal: this.#closed.signal })]);
    }
  }

  /** Writes what the task prints to the attempt's log. */
  async #copyLog(pod: V1Pod, watched: WatchedPod): Promise<void> {
    const { namespace = "", name = "" } = pod.metadata ?? {};
    const source = { client: this.#client, namespace, pod: name, container: primaryContainerOf(pod) ?? "" };
    const hasEnded = () =>
      watched.isGone || (watched.pod !== undefined && primaryStatus(watched.pod)?.state?.terminated !== undefined);
    const onProgress = () => {
      watched.logProgressMs = performance.now();
    };
    const place = { path: watched.folder.log, skip: watched.logSkip };
    const { signal } = this.#closed;
    // What ends at once is read once, whole; to follow it first would cost a connection and bring nothing sooner.
    await Promise.race([watched.whenOver, pause(LOG_BEGINS_MS, undefined, { signal })]);
    await copyLog(source, { ...place, hasEnded, onProgress, signal }).catch(() => undefined);
  }

  /** What copilot said when it failed stands below what the task said. */
  async #addCopilotsWords(pod: V1Pod, folder: AttemptFolder): Promise<void> {
    const { namespace = "", name = "" } = pod.metadata ?? {};
    for (const { name: container, state } of allStatuses(pod)) {
      const isCopilot = container === DOWNLOADER || container === UPLOADER;
      if (!isCopilot || !state?.terminated || state.terminated.exitCode === 0) continue;
      const words = await readLogEnd({ client: this.#client, namespace, pod: name, container });
      if (words !== "") await appendFile(folder.log, words.replace(/^/gm, `[${container}] `), { mode: 0o600 });
    }
  }

  async #podTemplate(launch: Launch, namespace: string): Promise<V1PodTemplate | undefined> {
    const name = podTemplateName(launch);
    if (name === undefined) return undefined;
    try {
      const path = `/api/v1/namespaces/${namespace}/podtemplates/${name}`;
      const found = await this.#client.json<V1PodTemplate>({ method: "GET", path });
      // The server fills in `Always`, which nobody wrote and no attempt can have.
      if (found.template?.spec) delete found.template.spec.restartPolicy;
      return found;
    } catch (error) {
      if (!(error instanceof ClusterError && error.status === 404)) throw error;
      const message = `The task names the PodTemplate ${name}, which is not in the namespace ${namespace}`;
      throw new SkeinError("invalid_argument", "pod_template_missing", message);
    }
  }

  /** Whether we deleted it, so that nobody needs to do it again. */
  #isLeaving({ metadata }: V1Pod): boolean {
    return this.#leaving.has(metadata?.uid ?? "");
  }

  /** Insists, as the server may be away; only this very pod, not one of the same name that came after it. */
  async #deletePod({ metadata }: Pick<V1Pod, "metadata">, graceSeconds: number): Promise<void> {
    const { namespace = "", name = "", uid } = metadata ?? {};
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      gracePeriodSeconds: graceSeconds,
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    let delayMs = RETRY_FIRST_MS;
    for (let tries = 1; ; tries += 1) {
      try {
        if (uid !== undefined) this.#leaving.add(uid);
        await this.#client.json({ method: "DELETE", path, body });
        return;
      } catch (error) {
        // 409: another pod has the name now.
        if (error instanceof ClusterError && (error.status === 404 || error.status === 409)) return;
        const isPassing = error instanceof ClusterError && error.isPassing;
        if (!isPassing || tries >= DELETE_TRIES) throw error;
        await pause(delayMs, undefined, { signal: this.#closed.signal });
        delayMs = Math.min(delayMs * 2, RETRY_LONGEST_MS);
      }
    }
  }
}

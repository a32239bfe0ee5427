import type { IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { V1ListMeta, V1Pod } from "@kubernetes/client-node";
import { type ClusterClient, ClusterError } from "./cluster-client.ts";

export interface PodInformerOptions {
  readonly client: ClusterClient;
  /** `/api/v1/pods`, or a namespace's. */
  readonly path: string;
  readonly labelSelector: string;
  /** A pod is new or changed. The same news may come twice. */
  readonly onPod: (pod: V1Pod) => void;
  /** A pod is no more, as it was last seen. */
  readonly onGone: (pod: V1Pod) => void;
}

interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: V1Pod & { readonly code?: number; readonly message?: string };
}

const PAGE = "500";
/** The server ends a watch after this long, and we begin another. */
const WATCH_SECONDS = 240;
/** Bookmarks come about once a minute: a watch that is silent for longer is dead. */
const SILENCE_MAX_MS = 150_000;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_LONGEST_MS = 5_000;
/** A failure that lasts is a problem. */
const PROBLEM_AFTER_MS = 15_000;

/**
 * Knows all pods that a selector finds: lists them, then watches for changes. After a gap it goes on where it stopped, or
 * lists again when the server has forgotten that place; whatever was missed is then told.
 */
export class PodInformer {
  readonly #options: PodInformerOptions;
  readonly #pods = new Map<string, { pod: V1Pod; sinceMs: number }>();
  readonly #closed = new AbortController();
  #version: string | undefined;
  #failingSinceMs: number | undefined;
  #failure = "";
  #backoffMs = BACKOFF_FIRST_MS;

  constructor(options: PodInformerOptions) {
    this.#options = options;
  }

  /** Resolves when all pods are known; rejects when they cannot be listed. */
  async start(): Promise<void> {
    await this.#list();
    void this.#run();
  }

  get pods(): V1Pod[] {
    return [...this.#pods.values()].map(({ pod }) => pod);
  }

  /** Undefined while what it says is news. */
  get problem(): string | undefined {
    const isProblem = this.#failingSinceMs !== undefined && performance.now() - this.#failingSinceMs > PROBLEM_AFTER_MS;
    return isProblem ? `Pods cannot be watched: ${this.#failure}` : undefined;
  }

  /** Makes a pod known that was just created, so that its end is told even if it is never seen. */
  add(pod: V1Pod): void {
    if (!this.#pods.has(keyOf(pod))) this.#keep(pod);
  }

  close(): void {
    this.#closed.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
      } catch (error) {
        if (signal.aborted) return;
        // Whatever the server has against this place in its history, a list tells all.
        if (error instanceof ClusterError && error.status > 0) this.#version = undefined;
        if (!(error instanceof ClusterError && error.status === 410)) await this.#backOff(error as Error);
      }
    }
  }

  async #backOff(error: Error): Promise<void> {
    this.#failure = error.message;
    this.#failingSinceMs ??= performance.now();
    const delayMs = this.#backoffMs * (0.5 + Math.random());
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_LONGEST_MS);
    await pause(delayMs, undefined, { signal: this.#closed.signal }).catch(() => undefined);
  }

  #isWell(): void {
    this.#failingSinceMs = undefined;
    this.#backoffMs = BACKOFF_FIRST_MS;
  }

  async #list(): Promise<void> {
    const { client, path, labelSelector } = this.#options;
    const { signal } = this.#closed;
    const sinceMs = performance.now();
    const found = new Set<string>();
    let version: string | undefined;
    for (let next = ""; ; ) {
      const query = { labelSelector, limit: PAGE, ...(next === "" ? {} : { continue: next }) };
      const page = await client.json<{ metadata: V1ListMeta & { continue?: string }; items: V1Pod[] }>({
        method: "GET",
        path,
        query,
        signal,
      });
      for (const pod of page.items) {
        found.add(keyOf(pod));
        this.#tell(pod);
      }
      version ??= page.metadata.resourceVersion;
      next = page.metadata.continue ?? "";
      if (next === "") break;
    }
    for (const [key, known] of this.#pods) {
      // One that was made meanwhile may be missing from the first page.
      if (!found.has(key) && known.sinceMs < sinceMs) this.#forget(known.pod);
    }
    this.#version = version;
    this.#isWell();
  }

  async #watch(): Promise<void> {
    const { client, path, labelSelector } = this.#options;
    const query = {
      labelSelector,
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#version ?? "",
      timeoutSeconds: String(WATCH_SECONDS),
    };
    const stream = await client.stream({ method: "GET", path, query, signal: this.#closed.signal });
    stream.setTimeout(SILENCE_MAX_MS, () => stream.destroy(new Error("the watch fell silent")));
    for await (const line of linesOf(stream)) {
      this.#take(JSON.parse(line) as WatchEvent);
      this.#isWell();
    }
  }

  #take({ type, object }: WatchEvent): void {
    if (type === "ERROR") throw new ClusterError(object.code ?? 500, object.message ?? "the watch failed");
    if (type === "DELETED") this.#forget(object);
    else if (type !== "BOOKMARK") this.#tell(object);
    this.#version = object.metadata?.resourceVersion ?? this.#version;
  }

  #tell(pod: V1Pod): void {
    const known = this.#pods.get(keyOf(pod))?.pod;
    const { uid, resourceVersion } = pod.metadata ?? {};
    if (known && known.metadata?.uid !== uid) this.#forget(known);
    else if (known && known.metadata?.resourceVersion === resourceVersion) return;
    this.#options.onPod(this.#keep(pod));
  }

  #keep(pod: V1Pod): V1Pod {
    const slim = slimmed(pod);
    this.#pods.set(keyOf(pod), { pod: slim, sinceMs: performance.now() });
    return slim;
  }

  #forget(pod: V1Pod): void {
    this.#pods.delete(keyOf(pod));
    this.#options.onGone(slimmed(pod));
  }
}

const keyOf = ({ metadata }: V1Pod): string => `${metadata?.namespace}/${metadata?.name}`;

/** What we read of a pod: thousands of whole ones would fill the memory. */
function slimmed({ metadata = {}, spec, status }: V1Pod): V1Pod {
  const { managedFields: _, ...kept } = metadata;
  const { nodeName } = spec ?? {};
  return {
    metadata: kept,
    spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
    ...(status ? { status } : {}),
  };
}

async function* linesOf(stream: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line !== "");
  }
}

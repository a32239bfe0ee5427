import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { LOG_BYTES_MAX } from "@skein/contracts";
import { type ClusterClient, ClusterError } from "./cluster-client.ts";
import { StampedLines } from "./stamped-lines.ts";

export interface PodLogSource {
  readonly client: ClusterClient;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface CopyLogOptions {
  /** Where it goes; it may hold the beginning already, `skip` bytes of it. */
  readonly path: string;
  readonly skip: number;
  /** Whether the container prints no more. */
  readonly hasEnded: () => boolean;
  /** Something came. */
  readonly onProgress: () => void;
  readonly signal: AbortSignal;
}

const PAUSE_MS = 100;
const PAUSE_AFTER_FAILURE_MS = 1_000;
const SLACK_BYTES = 1024 * 1024;
const TAIL_LINES = "50";
const TAIL_BYTES = String(64 * 1024);

const pathOf = ({ namespace, pod }: PodLogSource): string => `/api/v1/namespaces/${namespace}/pods/${pod}/log`;

/**
 * Appends what a container prints to a file, as it comes, every byte once however often the connection breaks. Resolves when
 * all is there, the pod is gone, or beyond the cap of logs. Rejects only when `signal` aborts.
 */
export async function copyLog(source: PodLogSource, options: CopyLogOptions): Promise<void> {
  const file = createWriteStream(options.path, { flags: "a", mode: 0o600 });
  const writer = new LogWriter(file, options.skip);
  const lines = new StampedLines();
  try {
    while (!writer.isFull) {
      options.signal.throwIfAborted();
      // A kubelet that is to follow a log may break off before its end, around the time when the container ends: only what
      // is read afterwards, and not followed, is all.
      const isAfterEnd = options.hasEnded();
      const state = await copyOnce(source, lines, writer, isAfterEnd, options);
      if (state === "gone" || (state === "ended" && isAfterEnd)) return;
      if (state === "ended" && options.hasEnded()) continue;
      await pause(state === "broken" ? PAUSE_AFTER_FAILURE_MS : PAUSE_MS, undefined, { signal: options.signal });
    }
  } finally {
    await new Promise<void>((resolve) => file.end(() => resolve()));
  }
}

/** The last lines of a container's log, for a failure that says too little; empty when there are none to be had. */
export async function readLogEnd({ client, ...place }: PodLogSource): Promise<string> {
  const query = { container: place.container, tailLines: TAIL_LINES, limitBytes: TAIL_BYTES };
  try {
    const stream = await client.stream({ method: "GET", path: pathOf({ client, ...place }), query });
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text;
  } catch {
    return "";
  }
}

async function copyOnce(
  source: PodLogSource,
  lines: StampedLines,
  writer: LogWriter,
  isAfterEnd: boolean,
  options: CopyLogOptions,
): Promise<"ended" | "broken" | "gone"> {
  const { since } = lines;
  const query = {
    container: source.container,
    follow: String(!isAfterEnd),
    timestamps: "true",
    ...(since === undefined ? {} : { sinceTime: since }),
  };
  lines.restart();
  try {
    const stream = await source.client.stream({ method: "GET", path: pathOf(source), query, signal: options.signal });
    for await (const chunk of stream) {
      await writer.write(Buffer.concat(lines.take(chunk as Buffer)));
      options.onProgress();
      if (writer.isFull) stream.destroy();
    }
    return "ended";
  } catch (error) {
    return error instanceof ClusterError && error.status === 404 ? "gone" : "broken";
  }
}

/** Beyond the cap nothing is kept: a log must fill neither memory nor disk. */
class LogWriter {
  readonly #file: WriteStream;
  #toSkip: number;
  #written: number;

  constructor(file: WriteStream, skip: number) {
    this.#file = file;
    [this.#toSkip, this.#written] = [skip, skip];
  }

  get isFull(): boolean {
    return this.#written > LOG_BYTES_MAX + SLACK_BYTES;
  }

  async write(bytes: Buffer): Promise<void> {
    const rest = bytes.subarray(Math.min(this.#toSkip, bytes.length));
    this.#toSkip -= bytes.length - rest.length;
    this.#written += rest.length;
    if (rest.length > 0 && !this.#file.write(rest)) await once(this.#file, "drain");
  }
}

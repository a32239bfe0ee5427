import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as pause } from "node:timers/promises";
import type { Storage as Gcs } from "@google-cloud/storage";

const TRIES_MAX = 4;
const FIRST_PAUSE_MS = 200;

export interface Download {
  readonly sizeBytes: number;
  readonly body: Readable;
}

/**
 * Asks for an object's bytes, as they are stored. The SDK's own stream says nothing before somebody reads it, and
 * its errors then come too late for a caller who wants to know whether there is such an object.
 */
export async function download(gcs: Gcs, bucket: string, key: string, range?: string): Promise<Download> {
  const url = `${gcs.apiEndpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(key)}?alt=media`;
  for (let tried = 1; ; tried += 1) {
    const isLast = tried === TRIES_MAX;
    const answer = await ask(gcs, url, range).catch((error: unknown) => {
      if (isLast) throw error;
    });
    if (answer?.ok) {
      const body = answer.body ? Readable.fromWeb(answer.body as ReadableStream<Uint8Array>) : Readable.from([]);
      return { sizeBytes: Number(answer.headers.get("content-length") ?? 0), body };
    }
    if (answer && (isLast || !isPassing(answer.status))) {
      throw Object.assign(new Error(await answer.text()), { name: "ApiError", code: answer.status });
    }
    await answer?.body?.cancel();
    await pause(FIRST_PAUSE_MS * 2 ** (tried - 1));
  }
}

/** An emulator is asked without credentials, as the SDK does. */
async function ask(gcs: Gcs, url: string, range: string | undefined): Promise<Response> {
  const headers = gcs.customEndpoint === true ? new Headers() : await gcs.authClient.getRequestHeaders(url);
  headers.set("accept-encoding", "identity");
  if (range !== undefined) headers.set("range", range);
  return await fetch(url, { headers });
}

const isPassing = (status: number): boolean => status >= 500 || status === 429 || status === 408;

import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { DeliveryFailure } from "./delivery-failure.ts";
import { checkedAddresses } from "./public-address.ts";

export interface PostOptions {
  /** Hosts that may be inside, and may be spoken to without TLS. */
  readonly allowedHosts: readonly string[];
  readonly timeoutMs: number;
  /** Ends the try early. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** The first of it. */
  readonly text: string;
  readonly retryAfterMs: number;
}

const ANSWER_BYTES = 1_024;
const RETRY_AFTER_MS_MAX = 3_600_000;

const retryAfterOf = (header: string | undefined): number =>
  /^\d{1,6}$/.test(header ?? "") ? Math.min(Number(header) * 1_000, RETRY_AFTER_MS_MAX) : 0;

/** Posts JSON to an address that somebody gave us. No redirect is followed and no proxy is asked. */
export async function post(
  url: URL,
  body: string,
  headers: Readonly<Record<string, string>>,
  { allowedHosts, timeoutMs, signal }: PostOptions,
): Promise<Answer> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const addresses = await untilAborted(checkedAddresses(url, allowedHosts), deadline);
    return await request(url, body, headers, { signal: deadline, lookup: always(addresses) });
  } catch (error) {
    if (error instanceof DeliveryFailure) throw error;
    const why = deadline.aborted ? `did not answer within ${timeoutMs} ms` : `could not be reached (${codeOf(error)})`;
    throw new DeliveryFailure(`${url.host} ${why}.`, { isFinal: false });
  }
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? (error as Error).name;

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    work.then(resolve, reject);
  });
}

/** Answers what was checked, whatever is asked for. */
const always =
  (addresses: Awaited<ReturnType<typeof checkedAddresses>>): LookupFunction =>
  (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, addresses);
    else if (first) callback(null, first.address, first.family);
    else callback(new Error("no address"), "", 4);
  };

function request(
  url: URL,
  body: string,
  headers: Readonly<Record<string, string>>,
  options: Pick<https.RequestOptions, "signal" | "lookup">,
): Promise<Answer> {
  const { request: send } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    const allHeaders = { ...headers, "content-type": "application/json", "content-length": bytes.length };
    const sent = send(url, { ...options, method: "POST", agent: false, headers: allHeaders }, (response) => {
      const pieces: Buffer[] = [];
      let size = 0;
      const finish = () => {
        const text = Buffer.concat(pieces).subarray(0, ANSWER_BYTES).toString();
        const retryAfterMs = retryAfterOf(response.headers["retry-after"]);
        resolve({ status: response.statusCode ?? 0, text, retryAfterMs });
      };
      response.on("data", (piece: Buffer) => {
        pieces.push(piece);
        size += piece.length;
        // The status says it all: nobody makes us read an endless answer.
        if (size < ANSWER_BYTES) return;
        finish();
        sent.destroy();
      });
      response.on("end", finish);
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(bytes);
  });
}

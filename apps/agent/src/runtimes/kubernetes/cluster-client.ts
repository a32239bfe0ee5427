import { existsSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { invariant } from "@skein/errors";

export interface ClusterRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/** The API server's refusal, or that it was not reached (`status` 0). */
export class ClusterError extends Error {
  readonly status: number;

  constructor(status: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ClusterError";
    this.status = status;
  }

  /** Whether the same request may well succeed later. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const REQUESTS_AT_ONCE = 50;
const ANSWER_TIMEOUT_MS = 30_000;
const IN_CLUSTER_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const KEEP_ALIVE = { keepAlive: true, keepAliveMsecs: 15_000 };

/**
 * Kubernetes' API as JSON, the way the API spells it. Short requests share a few connections, so that a wave of pods does
 * not flood the server; streams have one each.
 */
export class ClusterClient {
  readonly server: string;
  readonly #config: KubeConfig;
  readonly #onRequest: (request: ClusterRequest) => void;
  #agents: { identity: string; short: HttpAgent; long: HttpAgent } | undefined;

  constructor(config: KubeConfig, onRequest: (request: ClusterRequest) => void = () => undefined) {
    const cluster = config.getCurrentCluster();
    invariant(cluster, "a kubeconfig names its cluster");
    this.server = cluster.server;
    this.#config = config;
    this.#onRequest = onRequest;
  }

  /** The object in the answer; a ClusterError for anything but success. */
  async json<T>(request: ClusterRequest): Promise<T> {
    const response = await this.#send(request, false);
    const text = await bodyOf(response);
    return (text === "" ? {} : JSON.parse(text)) as T;
  }

  /** The answer while it comes, however long that takes. */
  async stream(request: ClusterRequest): Promise<IncomingMessage> {
    return await this.#send(request, true);
  }

  close(): void {
    this.#agents?.short.destroy();
    this.#agents?.long.destroy();
  }

  async #send(request: ClusterRequest, isLong: boolean): Promise<IncomingMessage> {
    this.#onRequest(request);
    const { method, path, query = {}, contentType = "application/json", signal } = request;
    const credentials: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(credentials);
    const url = new URL(this.server);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options: RequestOptions = {
      ...credentials,
      agent: this.#agent(credentials, isLong),
      method,
      host: url.hostname,
      port: url.port,
      path: `${url.pathname.replace(/\/$/, "")}${path}?${new URLSearchParams(query)}`,
      headers: {
        ...credentials.headers,
        accept: "application/json",
        "user-agent": "skein-agent",
        ...(body === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(body) }),
      },
      ...(signal ? { signal } : {}),
    };
    const response = await answerTo(url.protocol === "https:", options, body, isLong);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw new ClusterError(status, messageOf(await bodyOf(response), status));
  }

  /** Anew when the credentials changed; a proxy's agent is the library's own. */
  #agent(credentials: RequestOptions, isLong: boolean): RequestOptions["agent"] {
    if (this.#config.getCurrentCluster()?.proxyUrl) return credentials.agent;
    const { ca, cert, key, rejectUnauthorized, servername } = credentials;
    const identity = [ca, cert, key].map(String).join();
    if (this.#agents?.identity !== identity) {
      const isPlain = this.server.startsWith("http:");
      const tls = {
        ca,
        cert,
        key,
        ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
        ...(servername === undefined ? {} : { servername }),
      };
      const make = (maxSockets: number): HttpAgent =>
        isPlain ? new HttpAgent({ ...KEEP_ALIVE, maxSockets }) : new HttpsAgent({ ...KEEP_ALIVE, ...tls, maxSockets });
      this.#agents = { identity, short: make(REQUESTS_AT_ONCE), long: make(Number.POSITIVE_INFINITY) };
    }
    return isLong ? this.#agents.long : this.#agents.short;
  }
}

/** From a kubeconfig file; unless given the pod's own account, or what kubectl would use. */
export function readKubeConfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (file !== undefined) config.loadFromFile(file);
  else if (existsSync(IN_CLUSTER_TOKEN)) config.loadFromCluster();
  else config.loadFromDefault();
  return config;
}

function answerTo(
  isSecure: boolean,
  options: RequestOptions,
  body: string | undefined,
  isLong: boolean,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = isSecure ? httpsRequest(options) : httpRequest(options);
    // Waiting for one of the few connections does not count.
    request.setTimeout(ANSWER_TIMEOUT_MS, () => request.destroy(new Error("no answer for 30 s")));
    request.once("response", (response) => {
      if (isLong) request.setTimeout(0);
      resolve(response);
    });
    request.on("error", (error) => reject(unreached(error)));
    request.end(body);
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw unreached(error as Error);
  }
  return Buffer.concat(chunks).toString();
}

const unreached = (error: Error): ClusterError =>
  new ClusterError(0, `The Kubernetes API server does not answer: ${error.message}`, error);

/** An error is a `Status` object, unless something in between answered. */
function messageOf(text: string, status: number): string {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    if (message) return message;
  } catch {}
  return `HTTP ${status} ${text.slice(0, 200)}`.trim();
}

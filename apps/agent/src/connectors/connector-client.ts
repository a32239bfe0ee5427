import { readFileSync } from "node:fs";
import { type CallOptions, type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SkeinError } from "@skein/errors";
import {
  type Agent,
  AgentMetadataService,
  AsyncAgentService,
  type CreateRequestHeader,
  type Resource,
  SyncAgentService,
  type TaskCategory,
} from "@skein/idl/connector";
import type { LiteralMap, TaskTemplate } from "@skein/idl/core";
import pLimit, { type LimitFunction } from "p-limit";
import type { ConnectorConfig, ConnectorMethod } from "./connector-config.ts";
import { GuardedSessions } from "./guarded-sessions.ts";
import { SecretFiles } from "./secret-files.ts";

/** What a connector needs to know to start a task. */
export interface ConnectorTask {
  readonly template: TaskTemplate;
  readonly inputs: LiteralMap;
  readonly outputPrefix: string;
  readonly taskExecutionMetadata: NonNullable<CreateRequestHeader["taskExecutionMetadata"]>;
}

/** A task that a connector made: all that it wants to hear to know it again. */
export interface ConnectorHandle {
  readonly category: Pick<TaskCategory, "name" | "version">;
  readonly resourceMeta: Uint8Array;
  readonly outputPrefix: string;
}

/** A piece of a task's log, and where the next one begins; without a token there is no next one. */
export interface LogPiece {
  readonly text: string;
  readonly token: string;
}

/** Calls under way at once, for each connector; a call of `sync` counts as none. */
const CALLS_AT_ONCE = 20;
/** gRPC servers close a connection on which pings come more often than every 5 minutes. */
const PING_MS = 310_000;
const LOG_LINES = 1_000n;
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** Calls one connector, and nothing else: its address comes from the configuration alone. */
export class ConnectorClient {
  readonly name: string;
  readonly config: ConnectorConfig;
  readonly #sessions: GuardedSessions;
  readonly #syncSessions: GuardedSessions;
  readonly #tasks: Client<typeof AsyncAgentService>;
  readonly #calls: Client<typeof SyncAgentService>;
  readonly #metadata: Client<typeof AgentMetadataService>;
  readonly #limit: LimitFunction = pLimit(CALLS_AT_ONCE);
  readonly #onCall: (connector: string, method: ConnectorMethod, code: string) => void;
  #answeredAtMs = 0;

  constructor(config: ConnectorConfig, onCall: (connector: string, method: ConnectorMethod, code: string) => void) {
    this.name = config.name;
    this.config = config;
    this.#onCall = onCall;
    const trusted = config.caFile === undefined ? {} : { ca: readAuthority(config.caFile) };
    const files = new SecretFiles();
    const open = () => {
      const sessions = new GuardedSessions(config.url, { pingIntervalMs: PING_MS }, trusted);
      const interceptors = [showHeaders(config, files)];
      const options = { baseUrl: config.url, sessionManager: sessions, interceptors, readMaxBytes: MESSAGE_BYTES_MAX };
      return { sessions, transport: createGrpcTransport(options) };
    };
    const plain = open();
    const sync = open();
    this.#sessions = plain.sessions;
    this.#syncSessions = sync.sessions;
    this.#tasks = createClient(AsyncAgentService, plain.transport);
    this.#metadata = createClient(AgentMetadataService, plain.transport);
    this.#calls = createClient(SyncAgentService, sync.transport);
  }

  /** What it serves; none where it is too old to say. */
  async list(signal: AbortSignal): Promise<Agent[]> {
    const sinceMs = Date.now();
    try {
      return (await this.#call("list", signal, (options) => this.#metadata.listAgents({}, options))).agents;
    } catch (error) {
      const code = ConnectError.from(error).code;
      if (code === Code.Unimplemented) return [];
      // A connection that the other side lost is not seen as such until something is sent on a new one.
      if (code === Code.DeadlineExceeded && this.#answeredAtMs < sinceMs) this.#sessions.abort();
      throw error;
    }
  }

  /** Answers what the connector calls the task that it made. Once begun it is not cut off: nobody would know the task. */
  async create(task: ConnectorTask, signal: AbortSignal): Promise<Uint8Array> {
    const call = ({ timeoutMs }: CallOptions) =>
      this.#tasks.createTask(task, timeoutMs === undefined ? {} : { timeoutMs });
    return (await this.#call("create", signal, call)).resourceMeta;
  }

  async get(handle: ConnectorHandle, signal: AbortSignal): Promise<Resource> {
    const request = { ...nameOf(handle), outputPrefix: handle.outputPrefix };
    const { resource } = await this.#call("get", signal, (options) => this.#tasks.getTask(request, options));
    if (resource) return resource;
    throw new Error("the answer to GetTask holds no resource");
  }

  /** A task that is not there any more counts as deleted. */
  async delete(handle: ConnectorHandle, signal: AbortSignal): Promise<void> {
    try {
      await this.#call("delete", signal, (options) => this.#tasks.deleteTask(nameOf(handle), options));
    } catch (error) {
      if (ConnectError.from(error).code !== Code.NotFound) throw error;
    }
  }

  async readLog(handle: ConnectorHandle, token: string, signal: AbortSignal): Promise<LogPiece> {
    const request = { ...nameOf(handle), lines: LOG_LINES, token };
    return await this.#call("logs", signal, async (options) => {
      const lines: string[] = [];
      let next = "";
      for await (const { part } of this.#tasks.getTaskLogs(request, options)) {
        if (part.case === "header") next = part.value.token;
        if (part.case !== "body") continue;
        const { structuredLines, results } = part.value;
        lines.push(...(structuredLines.length > 0 ? structuredLines.map(({ message }) => message) : results));
      }
      return { text: lines.map((line) => (line.endsWith("\n") ? line : `${line}\n`)).join(""), token: next };
    });
  }

  /** Has a task done in one call. */
  async execute({ inputs, ...header }: ConnectorTask, signal: AbortSignal): Promise<Resource> {
    const parts = [
      { part: { case: "header" as const, value: header } },
      { part: { case: "inputs" as const, value: inputs } },
    ];
    const call = async (options: CallOptions) => {
      let resource: Resource | undefined;
      let outputs: LiteralMap | undefined;
      for await (const { res } of this.#calls.executeTaskSync(each(parts), options)) {
        if (res.case === "header") resource = res.value.resource;
        if (res.case === "outputs") outputs = res.value;
      }
      if (!resource) throw new Error("the answer to ExecuteTaskSync holds no resource");
      return resource.outputs || !outputs ? resource : { ...resource, outputs };
    };
    return await this.#counted("sync", () => call(this.#options("sync", signal)));
  }

  close(): void {
    this.#sessions.abort();
    this.#syncSessions.abort();
  }

  #call<T>(method: ConnectorMethod, signal: AbortSignal, call: (options: CallOptions) => Promise<T>): Promise<T> {
    return this.#limit(() => {
      signal.throwIfAborted();
      return this.#counted(method, () => call(this.#options(method, signal)));
    });
  }

  #options(method: ConnectorMethod, signal: AbortSignal): CallOptions {
    return { timeoutMs: this.config.timeoutsMs[method], signal };
  }

  async #counted<T>(method: ConnectorMethod, call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call();
      this.#answeredAtMs = Date.now();
      this.#onCall(this.name, method, "ok");
      return answer;
    } catch (error) {
      this.#onCall(this.name, method, Code[ConnectError.from(error).code].toLowerCase());
      throw error;
    }
  }
}

async function* each<T>(parts: readonly T[]): AsyncIterable<T> {
  yield* parts;
}

/** `taskType` is for connectors that know no categories yet. */
const nameOf = ({ category, resourceMeta }: ConnectorHandle) => ({
  taskType: category.name,
  taskCategory: category,
  resourceMeta,
});

/** Shows what the administrator wants shown. */
function showHeaders({ tokenFile, headers, headerFiles }: ConnectorConfig, files: SecretFiles): Interceptor {
  return (next) => async (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    for (const [name, path] of Object.entries(headerFiles)) request.header.set(name, await files.read(path));
    if (tokenFile !== undefined) request.header.set("authorization", `Bearer ${await files.read(tokenFile)}`);
    return await next(request);
  };
}

function readAuthority(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const message = `SKEIN_CONNECTORS: the caFile ${path} cannot be read: ${(error as Error).message}`;
    throw new SkeinError("invalid_argument", "connectors_invalid", message);
  }
}

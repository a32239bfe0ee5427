import { readFileSync } from "node:fs";
import { createSecureServer, createServer, type Http2Server, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  AgentMetadataService,
  type AgentSchema,
  AsyncAgentService,
  type CreateTaskRequest,
  type ExecuteTaskSyncRequest,
  ResourceSchema,
  SyncAgentService,
} from "@skein/idl/connector";

type Resource = MessageInitShape<typeof ResourceSchema>;

/** A connector over its real wire, with answers that a test writes. */
export interface ScriptedConnector {
  readonly port: number;
  /** What it says that it serves. */
  agents: MessageInitShape<typeof AgentSchema>[];
  readonly created: CreateTaskRequest[];
  readonly deleted: string[];
  /** How often it was asked of each task. */
  readonly gets: Map<string, number>;
  /** The `authorization` of each call, in order. */
  readonly shown: string[];
  /** What it answers of a task; the last one again and again. An error is thrown. */
  readonly answers: (Resource | ConnectError)[];
  /** The log of every task: the text from each token on. */
  log: readonly string[];
  /** What it throws when asked for a log. */
  logError: ConnectError | undefined;
  /** Thrown, one after the other, in place of making a task. */
  readonly createErrors: ConnectError[];
  readonly deleteErrors: ConnectError[];
  /** Does a task in one call. */
  execute: (parts: ExecuteTaskSyncRequest[], signal: AbortSignal) => Promise<Resource>;
  /** Tells every client that it will take no more calls on its connection. */
  sayGoodbye(): void;
  close(): Promise<void>;
}

type Script = Omit<ScriptedConnector, "port" | "close" | "sayGoodbye">;
interface Files {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Listens on `port`, or on any free one. */
export async function openScriptedConnector(port = 0, tls?: Files): Promise<ScriptedConnector> {
  const sessions = new Set<Http2Session>();
  const connector = newConnector();
  const handler = connectNodeAdapter({ routes: (router) => serve(router, connector) });
  const server: Http2Server = tls
    ? createSecureServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, handler)
    : createServer(handler);
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const session of sessions) session.destroy();
    });
  const sayGoodbye = () => {
    for (const session of sessions) session.close();
  };
  return Object.assign(connector, { port: (server.address() as AddressInfo).port, close, sayGoodbye });
}

const newConnector = (): Script => ({
  agents: [{ name: "a", supportedTaskCategories: [{ name: "job", version: 0 }] }],
  created: [],
  deleted: [],
  gets: new Map(),
  shown: [],
  answers: [],
  log: [],
  logError: undefined,
  createErrors: [],
  deleteErrors: [],
  execute: async () => ({}),
});

function serve(router: ConnectRouter, connector: Script): void {
  const see = (headers: Headers) => connector.shown.push(headers.get("authorization") ?? "");
  router.service(AgentMetadataService, {
    listAgents: (_, { requestHeader }) => {
      see(requestHeader);
      return { agents: connector.agents };
    },
  });
  router.service(AsyncAgentService, {
    createTask: (request) => {
      connector.created.push(request);
      const error = connector.createErrors.shift();
      if (error) throw error;
      return { resourceMeta: Buffer.from(`job-${connector.created.length}`) };
    },
    getTask: ({ resourceMeta }) => {
      const name = Buffer.from(resourceMeta).toString();
      connector.gets.set(name, (connector.gets.get(name) ?? 0) + 1);
      const answer = connector.answers.length > 1 ? connector.answers.shift() : connector.answers[0];
      if (answer instanceof ConnectError) throw answer;
      return { resource: answer ?? {} };
    },
    deleteTask: ({ resourceMeta }) => {
      connector.deleted.push(Buffer.from(resourceMeta).toString());
      const error = connector.deleteErrors.shift();
      if (error) throw error;
      return {};
    },
    getTaskMetrics: () => ({}),
    getTaskLogs: async function* ({ token }) {
      if (connector.logError) throw connector.logError;
      const at = Number(token || 0);
      yield { part: { case: "header", value: { token: `${Math.min(at + 1, connector.log.length)}` } } };
      const line = connector.log[at];
      if (line !== undefined) yield { part: { case: "body", value: { structuredLines: [{ message: line }] } } };
    },
  });
  router.service(SyncAgentService, {
    executeTaskSync: async function* (requests, { signal }) {
      const parts: ExecuteTaskSyncRequest[] = [];
      for await (const part of requests) parts.push(part);
      const resource = create(ResourceSchema, await connector.execute(parts, signal));
      yield { res: { case: "header", value: { resource } } };
    },
  });
}

export const connectorError = (code: Code, message: string): ConnectError => new ConnectError(message, code);
export { Code as ConnectorCode };

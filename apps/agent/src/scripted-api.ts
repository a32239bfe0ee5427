import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  AppendLogsRequest,
  AttemptId,
  attemptKey,
  type ClaimGrant,
  ClaimRequest,
  type ClaimResponse,
  HeartbeatRequest,
  HeldRequest,
  type HeldResponse,
} from "@skein/contracts";

/** The api as an agent sees it, over its real wire, with answers that a test writes. */
export interface ScriptedApi {
  readonly url: string;
  /** What claims of these attempts are answered with; others are unknown. */
  readonly grants: Map<string, ClaimGrant>;
  readonly claims: string[];
  /** Attempts whose claims have to wait, and why. */
  readonly later: Map<string, string>;
  /** What the agent holds, a page for each. */
  readonly held: HeldResponse["attempts"][];
  readonly heartbeats: HeartbeatRequest[];
  readonly stop: AttemptId[];
  readonly settled: AttemptId[];
  /** An attempt's log as far as it came. */
  logOf(id: AttemptId): string;
  /** Answers everything with 503 while true. */
  isAway: boolean;
  /** What heartbeats are answered. */
  isCordoned: boolean;
  close(): Promise<void>;
}

export const SCRIPTED_TOKEN = "the-agent-token";

export async function openScriptedApi(): Promise<ScriptedApi> {
  const logs = new Map<string, Buffer>();
  const procedures: Readonly<Record<string, (body: unknown) => unknown>> = {
    claim: (body) => answerClaim(api, ClaimRequest.parse(body)),
    heartbeat: (body) => {
      api.heartbeats.push(HeartbeatRequest.parse(body));
      return { stop: api.stop, settled: api.settled, isCordoned: api.isCordoned };
    },
    held: (body) => answerHeld(api, HeldRequest.parse(body)),
    appendLogs: (body) => {
      for (const chunk of AppendLogsRequest.parse(body).chunks) {
        const kept = logs.get(attemptKey(chunk)) ?? Buffer.alloc(0);
        const data = Buffer.from(chunk.data, "base64");
        logs.set(attemptKey(chunk), Buffer.concat([kept.subarray(0, chunk.offset), data]));
      }
      return { stored: 1 };
    },
  };
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const part of request) body += part;
    const procedure = procedures[request.url?.replace("/trpc/agent.", "") ?? ""];
    const isAllowed = request.headers.authorization === `Bearer ${SCRIPTED_TOKEN}`;
    const status = api.isAway ? 503 : !isAllowed ? 401 : procedure ? 200 : 404;
    const result = status === 200 ? { result: { data: procedure?.(JSON.parse(body)) } } : { error: { message: "no" } };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(result));
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const api: ScriptedApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    grants: new Map(),
    claims: [],
    later: new Map(),
    held: [],
    heartbeats: [],
    stop: [],
    settled: [],
    logOf: (id) => (logs.get(attemptKey(id)) ?? "").toString(),
    isAway: false,
    isCordoned: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}

function answerHeld(api: ScriptedApi, { after }: HeldRequest): HeldResponse {
  const lastKeys = api.held.map((page) => page.at(-1)).map((last) => last && attemptKey(last.order));
  const at = after ? lastKeys.indexOf(attemptKey(after)) + 1 : 0;
  const attempts = api.held[at] ?? [];
  const last = attempts.at(-1)?.order;
  const next = last && at + 1 < api.held.length ? AttemptId.parse(last) : null;
  return { attempts, next };
}

function answerClaim(api: ScriptedApi, request: ClaimRequest): ClaimResponse {
  const results = request.attempts.map((attempt) => {
    api.claims.push(attemptKey(attempt));
    const later = api.later.get(attemptKey(attempt));
    if (later !== undefined) return { later };
    const granted = api.grants.get(attemptKey(attempt));
    return granted ? { granted } : { refused: "unknown" as const };
  });
  return { results };
}

import {
  type AppendLogsRequest,
  type ClaimRequest,
  ClaimResponse,
  type HeartbeatRequest,
  HeartbeatResponse,
  type HeldRequest,
  HeldResponse,
} from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import { z } from "zod";

/** The api's agent service, as far as an agent sees it. Every call rejects when the api cannot be reached. */
export interface ApiClient {
  claim(request: ClaimRequest): Promise<ClaimResponse>;
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse>;
  held(request: HeldRequest): Promise<HeldResponse>;
  appendLogs(request: AppendLogsRequest): Promise<void>;
}

/** Less than an agent's lease, so that what an answer grants still holds when it comes. */
export const CALL_TIMEOUT_MS = 10_000;

/** Speaks tRPC's HTTP form with plain `fetch`: the messages are checked against the contract on both sides. */
export function openApiClient(options: { readonly url: string; readonly token: string }): ApiClient {
  const call = async <S extends z.ZodType>(procedure: string, request: unknown, answer: S): Promise<z.output<S>> => {
    const response = await fetch(`${options.url.replace(/\/+$/, "")}/trpc/agent.${procedure}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${options.token}` },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const body = await response.text();
    if (!response.ok) throw refused(procedure, response.status, body);
    return answer.parse(Envelope.parse(JSON.parse(body)).result.data);
  };
  return {
    claim: (request) => call("claim", request, ClaimResponse),
    heartbeat: (request) => call("heartbeat", request, HeartbeatResponse),
    held: (request) => call("held", request, HeldResponse),
    appendLogs: async (request) => {
      await call("appendLogs", request, z.unknown());
    },
  };
}

const Envelope = z.object({ result: z.object({ data: z.unknown() }) });
const ErrorBody = z.object({ error: z.object({ message: z.string() }) });

function refused(procedure: string, status: number, body: string): SkeinError {
  let message = body.slice(0, 500);
  try {
    message = ErrorBody.parse(JSON.parse(body)).error.message;
  } catch {
    // Not the api's own words: a proxy's page, say.
  }
  const code = status === 401 ? "unauthenticated" : status < 500 ? "failed_precondition" : "unavailable";
  return new SkeinError(code, "api_refused", `The api answered ${status} to agent.${procedure}: ${message}`, {
    details: { status },
  });
}

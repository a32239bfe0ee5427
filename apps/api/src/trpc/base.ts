import { SkeinError, TRANSPORT_CODES } from "@skein/errors";
import { initTRPC, type TRPC_ERROR_CODE_KEY, TRPCError } from "@trpc/server";
import { ZodError } from "zod";
import type { AgentService } from "../agents/agent-service.ts";
import type { LogService } from "../agents/log-service.ts";
import type { Access, RequestHead } from "../edge/access.ts";
import type { PublishError } from "../edge/errors.ts";
import type { RpcTimer } from "../edge/rpc-timer.ts";
import type { Permission, Tenant } from "../permissions.ts";
import { TRPC_PERMISSIONS } from "../permissions.ts";
import type { Services } from "../services.ts";
import type { SystemService } from "../system.ts";
import type { WatchRun } from "../watch/watch-run.ts";

/** What answers: the same services for every transport. */
export interface ServiceContext {
  readonly services: Services;
  readonly agents: AgentService;
  readonly logs: LogService;
  readonly watchRun: WatchRun;
  readonly system: SystemService;
}

/** The services, and what is known of the request. */
export interface TrpcContext extends ServiceContext {
  readonly head: RequestHead;
  readonly access: Access;
  readonly publishError: PublishError;
  readonly startTimer: RpcTimer;
}

const SSE_PING_MS = 5_000;

const t = initTRPC.context<TrpcContext>().create({
  isServer: true,
  isDev: false,
  sse: { ping: { enabled: true, intervalMs: SSE_PING_MS }, client: { reconnectAfterInactivityMs: 4 * SSE_PING_MS } },
  errorFormatter: ({ shape, error, ctx }) => {
    const cause = publishedCause(error, ctx);
    const known = cause ? { reason: cause.reason, code: cause.code, details: cause.details } : {};
    return { ...shape, message: cause?.message ?? shape.message, data: { ...shape.data, skein: known } };
  },
});

/** What procedures throw is published already; a failure of tRPC itself, such as an answer that is no JSON, is not. */
function publishedCause(error: TRPCError, ctx: TrpcContext | undefined): SkeinError | undefined {
  if (error.cause instanceof SkeinError) return error.cause;
  if (error.code !== "INTERNAL_SERVER_ERROR") return undefined;
  if (!ctx) return new SkeinError("internal", "internal_error", "Internal error.", { cause: error });
  return ctx.publishError(error.cause ?? error, ctx.head.correlationId);
}

export const router = t.router;

/**
 * The base of every procedure: opens the call, checks the table's permission, and turns whatever is thrown into an
 * error with a code. A path without a row is refused.
 */
export const procedure = t.procedure.use(async ({ path, type, ctx, getRawInput, next }) => {
  const stop = type === "subscription" ? undefined : ctx.startTimer("trpc", path);
  try {
    const permission = permissionOf(path);
    const call = await ctx.access.openCall(permission, ctx.head);
    call.authorize(permission, tenantOf(await getRawInput()));
    const result = await next({ ctx: { ...ctx, call } });
    if (!result.ok) throw result.error;
    stop?.("ok");
    return isAsyncIterable(result.data) ? { ...result, data: streamOf(result.data, ctx) } : result;
  } catch (error) {
    const failure = toTrpcError(error, ctx);
    stop?.(failure.cause instanceof SkeinError ? failure.cause.code : "invalid_argument");
    throw failure;
  }
});

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

/** A subscription fails after its procedure has returned: its errors get their codes here. */
async function* streamOf(events: AsyncIterable<unknown>, ctx: TrpcContext): AsyncGenerator<unknown> {
  try {
    yield* events;
  } catch (error) {
    throw toTrpcError(error, ctx);
  }
}

function permissionOf(path: string): Permission {
  const rows: Readonly<Record<string, Permission>> = TRPC_PERMISSIONS;
  const permission = Object.hasOwn(rows, path) ? rows[path] : undefined;
  if (permission) return permission;
  throw new SkeinError("permission_denied", "procedure_unlisted", `The procedure ${path} has no permission.`);
}

/** Inputs name their tenant in the same fields everywhere. What is no text is refused later by the input's schema. */
function tenantOf(input: unknown): Tenant {
  if (typeof input !== "object" || input === null) return {};
  const { project, domain, pool } = input as Readonly<Record<string, unknown>>;
  return {
    ...(typeof project === "string" ? { project } : {}),
    ...(typeof domain === "string" ? { domain } : {}),
    ...(typeof pool === "string" ? { pool } : {}),
  };
}

function toTrpcError(error: unknown, { publishError, head }: TrpcContext): TRPCError {
  const isInput = error instanceof TRPCError && error.code !== "INTERNAL_SERVER_ERROR";
  if (isInput && error.cause instanceof ZodError) return published(invalidInput(error.cause));
  if (isInput && !(error.cause instanceof SkeinError)) return error;
  return published(publishError(error instanceof TRPCError ? (error.cause ?? error) : error, head.correlationId));
}

function published(error: SkeinError): TRPCError {
  const code = TRANSPORT_CODES[error.code].trpc as TRPC_ERROR_CODE_KEY;
  return new TRPCError({ code, message: error.message, cause: error });
}

function invalidInput(error: ZodError): SkeinError {
  const problems = error.issues.map((issue) => `${issue.path.join(".") || "input"}: ${issue.message}`);
  return new SkeinError("invalid_argument", "invalid_input", problems.join("; "), { cause: error });
}

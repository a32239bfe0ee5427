import { randomUUID } from "node:crypto";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import {
  Code,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
} from "@connectrpc/connect";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { SkeinError } from "@skein/errors";
import type { Call } from "../../call.ts";
import { type Access, correlationIdOf } from "../access.ts";
import { codeOfStatus, type PublishError, toConnectError } from "../errors.ts";
import type { RpcTimer } from "../rpc-timer.ts";
import { type BoundService, permissionRow } from "../rpcs.ts";

export type Http2Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** The call that was opened when the request's headers came. */
export const CALL = createContextKey<Call | undefined>(undefined);

export interface GrpcOptions {
  readonly access: Access;
  readonly publishError: PublishError;
  readonly startTimer: RpcTimer;
  readonly services: readonly BoundService[];
  /** Registers what is not unary: health, reflection. */
  readonly streaming: (router: ConnectRouter) => void;
  /** The largest message that is read. */
  readonly messageBytesMax: number;
  readonly shutdownSignal: AbortSignal;
}

/** Serves gRPC requests; whoever calls it has seen a content type of gRPC. */
export function createGrpcListener(options: GrpcOptions): Http2Listener {
  const router = createGrpcRouter(options);
  for (const { rpcs } of options.services) {
    for (const rpc of rpcs) {
      router.rpc(rpc.method, async (request, context) => {
        const call = callOf(context.values.get(CALL));
        try {
          return await rpc.invoke(request, call);
        } catch (error) {
          throw toConnectError(options.publishError(error, call.correlationId));
        }
      });
    }
  }
  options.streaming(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(request.url.split("?", 1)[0] ?? "");
    if (!handler) return sendUnknownMethod(request, response);
    const values = createContextValues();
    const stop =
      handler.method.methodKind === "unary" ? options.startTimer("grpc", handler.requestPath.slice(1)) : undefined;
    handler(universalRequestFromNodeRequest(request, response, undefined, values))
      .then((answer) => {
        const trailer = publishTrailer(
          answer.trailer,
          values.get(CALL)?.correlationId ?? randomUUID(),
          options.publishError,
        );
        stop?.(codeOfStatus((trailer ?? answer.trailer)?.get("grpc-status")));
        return universalResponseToNodeResponse({ ...answer, ...(trailer && { trailer }) }, response);
      })
      // The stream is gone: its client went away, and nobody is left to tell.
      .catch(() => response.stream.destroy());
  };
}

/** The call of a streaming or unary implementation. */
export function callOf(call: Call | undefined): Call {
  if (!call) throw new SkeinError("internal", "call_not_opened", "The call was not opened at the edge.");
  return call;
}

/** The answers of a stream; what it throws becomes an error that the client may see. */
export async function* publishErrors<T>(
  answers: AsyncIterable<T>,
  call: Call,
  publishError: PublishError,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* answers;
  } catch (error) {
    throw toConnectError(publishError(error, call.correlationId));
  }
}

function createGrpcRouter({ access, publishError, messageBytesMax, shutdownSignal }: GrpcOptions): ConnectRouter {
  return createConnectRouter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    acceptCompression: [compressionGzip],
    readMaxBytes: messageBytesMax,
    shutdownSignal,
    // Before the body is read, so that a caller without a token costs next to nothing.
    requestGate: async (context) => {
      const header = (name: string): string | undefined => context.requestHeader.get(name) ?? undefined;
      const correlationId = correlationIdOf(header);
      try {
        const { permission } = permissionRow(context.method);
        const host = new URL(context.url).host;
        context.values.set(
          CALL,
          await access.openCall(permission, { header, host, correlationId, signal: context.signal }),
        );
      } catch (error) {
        throw toConnectError(publishError(error, correlationId));
      }
    },
  });
}

/**
 * The error that Connect itself made of a unary call, as clients may see it: all others came through `publishErrors` or
 * its like and carry a reason. A message that it cannot parse it calls its own fault; it is the sender's.
 */
function publishTrailer(trailer: Headers | undefined, correlationId: string, publishError: PublishError) {
  const isInternal = [Code.Internal, Code.Unknown].map(String).includes(trailer?.get("grpc-status") ?? "");
  if (!trailer || !isInternal || trailer.has("error-reason")) return trailer;
  const message = decodeURIComponent(trailer.get("grpc-message") ?? "");
  const error = message.startsWith(PARSE_ERROR)
    ? malformed(message.slice(PARSE_ERROR.length))
    : publishError(new Error(message), correlationId);
  const published = toConnectError(error);
  const corrected = new Headers(trailer);
  corrected.set("grpc-status", String(published.code));
  corrected.set("grpc-message", encodeURIComponent(published.rawMessage));
  corrected.set("error-reason", error.reason);
  return corrected;
}

const PARSE_ERROR = "parse binary: ";

const malformed = (why: string): SkeinError =>
  new SkeinError("invalid_argument", "malformed_message", `The request is not a valid message: ${why}.`);

function sendUnknownMethod(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const message = `${request.url} is not an RPC of this server.`;
  response.writeHead(200, {
    "content-type": "application/grpc",
    "grpc-status": String(Code.Unimplemented),
    "grpc-message": encodeURIComponent(message.toWellFormed()),
    "error-reason": "rpc_unknown",
  });
  response.end();
  request.resume();
}

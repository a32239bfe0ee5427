import { createServer, type RequestListener } from "node:http";
import type { Storage } from "@skein/storage";
import type { Metrics } from "@skein/telemetry";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { ServiceContext } from "../../trpc/base.ts";
import type { Access } from "../access.ts";
import type { PublishError } from "../errors.ts";
import type { Http2Listener } from "../grpc/listener.ts";
import { mountRest } from "../rest/mount-rest.ts";
import type { RpcTimer } from "../rpc-timer.ts";
import type { BoundService } from "../rpcs.ts";
import { mountConsole } from "./console-page.ts";
import { sendFailure, toHttpError } from "./failure.ts";
import { headOf } from "./head.ts";
import { mountTrpc } from "./mount-trpc.ts";
import { mountSystemRoutes } from "./system-routes.ts";
import { mountUploads } from "./uploads.ts";

export interface HttpOptions extends ServiceContext {
  readonly access: Access;
  readonly publishError: PublishError;
  readonly startTimer: RpcTimer;
  readonly bound: readonly BoundService[];
  readonly storage: Pick<Storage, "serveSigned">;
  readonly metrics: Metrics;
  readonly messageBytesMax: number;
  /** Ends subscriptions when the server stops. */
  readonly shutdown: AbortSignal;
}

export interface HttpApp {
  readonly listener: RequestListener;
  /** The same for requests over plaintext HTTP/2 that are not gRPC. */
  readonly http2Listener: Http2Listener;
  close(): Promise<void>;
}

/** Everything that is not gRPC: REST, tRPC, uploads, health, metrics, the console's place. */
export async function createHttpApp(options: HttpOptions): Promise<HttpApp> {
  let listener: RequestListener | undefined;
  const app: FastifyInstance = fastify({
    bodyLimit: options.messageBytesMax,
    routerOptions: { maxParamLength: 8_192 },
    // The one-port server accepts the connections; Fastify only answers requests.
    serverFactory: (handler) => {
      listener = handler as RequestListener;
      return createServer();
    },
  });
  app.setErrorHandler((error, request: FastifyRequest, reply: FastifyReply) => {
    const { correlationId } = headOf(request, reply);
    return sendFailure(reply, options.publishError(toHttpError(error), correlationId));
  });
  app.setNotFoundHandler((request, reply) =>
    reply.status(404).send({ code: 5, message: `Nothing is served at ${request.method} ${request.url}.`, details: [] }),
  );
  mountSystemRoutes(app, options);
  mountConsole(app, options);
  mountUploads(app, options);
  mountTrpc(app, options);
  mountRest(app, options);
  await app.ready();
  const answer = requireListener(listener);
  // Node's compatibility layer gives HTTP/2 requests the shape of HTTP/1 ones, which is all that Fastify uses.
  return { listener: answer, http2Listener: answer as unknown as Http2Listener, close: () => app.close() };
}

function requireListener(listener: RequestListener | undefined): RequestListener {
  if (!listener) throw new Error("Fastify did not ask for a server");
  return listener;
}

import { toBinary } from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Access } from "../access.ts";
import type { PublishError } from "../errors.ts";
import { sendFailure } from "../http/failure.ts";
import { headOf } from "../http/head.ts";
import type { RpcTimer } from "../rpc-timer.ts";
import type { BoundService } from "../rpcs.ts";
import { type RestMatcher, restMatcher, restRoutes } from "./http-rules.ts";
import { readRequest } from "./read-request.ts";
import { toGatewayJson } from "./write-response.ts";

const PROTOBUF = "application/octet-stream";
const JSON_TYPE = "application/json; charset=utf-8";
/** Everything REST lives under these, or at one of the addresses outside of them that the options name. */
const ROOT = "/api/v1/";

export interface RestOptions {
  readonly access: Access;
  readonly publishError: PublishError;
  readonly startTimer: RpcTimer;
  readonly bound: readonly BoundService[];
}

/** Serves every RPC that has a `google.api.http` option, by the same implementation as gRPC. */
export function mountRest(app: FastifyInstance, options: RestOptions): void {
  const routes = restRoutes(options.bound.flatMap(({ rpcs }) => rpcs));
  const matcher = restMatcher(routes);
  const outside = new Set(routes.map(({ template }) => template).filter((template) => !template.startsWith(ROOT)));
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    for (const url of [`${ROOT}*`, ...outside]) {
      scope.route({
        method: ["GET", "POST", "PUT", "DELETE"],
        url,
        handler: (request, reply) => answer(options, matcher, request, reply),
      });
    }
  });
}

async function answer(
  { access, publishError, startTimer }: RestOptions,
  matcher: RestMatcher,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const head = headOf(request, reply);
  const [path = "", search] = (request.raw.url ?? "").split("?", 2);
  let stop: ReturnType<RpcTimer> | undefined;
  try {
    const found = matcher.find(request.method, path);
    if (!found) return refuse(matcher, request.method, path, reply);
    const { rpc } = found.route;
    stop = startTimer("rest", `${rpc.method.parent.typeName}/${rpc.method.name}`);
    const call = await access.openCall(rpc.permission, head);
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const isBinary = head.header("content-type")?.startsWith(PROTOBUF) ?? false;
    const message = readRequest(found.route, found.values, new URLSearchParams(search), { bytes, isBinary });
    const response = await rpc.invoke(message, call);
    const [type, body] = head.header("accept")?.includes(PROTOBUF)
      ? [PROTOBUF, Buffer.from(toBinary(rpc.method.output, response))]
      : [JSON_TYPE, JSON.stringify(toGatewayJson(rpc.method.output, response))];
    stop("ok");
    return reply.type(type).send(body);
  } catch (error) {
    const failure = publishError(error, head.correlationId);
    stop?.(failure.code);
    return sendFailure(reply, failure);
  }
}

function refuse(matcher: RestMatcher, verb: string, path: string, reply: FastifyReply): FastifyReply {
  const verbs = matcher.verbsOf(path);
  if (verbs.length === 0) {
    throw new SkeinError("not_found", "address_unknown", `Nothing is served at ${verb} ${path}. See /api/v1/openapi.`);
  }
  const message = `${path} takes ${verbs.join(", ")}, not ${verb}.`;
  return reply.status(405).header("allow", verbs.join(", ")).send({ code: 12, message, details: [] });
}

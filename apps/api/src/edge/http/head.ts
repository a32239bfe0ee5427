import type { FastifyReply, FastifyRequest } from "fastify";
import { correlationIdOf, type RequestHead } from "../access.ts";

/** A header that may come several times counts once, by its first value. */
export function headOf(request: FastifyRequest, reply: FastifyReply): RequestHead {
  const { headers } = request.raw;
  const header = (name: string): string | undefined => [headers[name]].flat()[0];
  const closed = new AbortController();
  reply.raw.once("close", () => closed.abort());
  return {
    header,
    host: header(":authority") ?? header("host"),
    correlationId: correlationIdOf(header),
    signal: closed.signal,
  };
}

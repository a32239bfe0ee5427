import { type ErrorCode, SkeinError, TRANSPORT_CODES } from "@skein/errors";
import type { FastifyReply } from "fastify";

/** What grpc-gateway sends, which flyteconsole and scripts read. */
interface FailureBody {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly "@type": string; readonly value: string }[];
}

export function failureBody(error: SkeinError): FailureBody {
  return {
    code: TRANSPORT_CODES[error.code].grpc,
    message: error.message,
    details: error.protoDetails.map(({ typeName, value }) => ({
      "@type": `type.googleapis.com/${typeName}`,
      value: Buffer.from(value).toString("base64"),
    })),
  };
}

export function sendFailure(reply: FastifyReply, error: SkeinError): FastifyReply {
  reply.status(TRANSPORT_CODES[error.code].http).header("error-reason", error.reason);
  // The status alone tells a client to log in; the header is what HTTP says must come with it.
  if (error.code === "unauthenticated") reply.header("www-authenticate", "Bearer");
  return reply.type("application/json; charset=utf-8").send(JSON.stringify(failureBody(error)));
}

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  404: "not_found",
  408: "deadline_exceeded",
  413: "resource_exhausted",
  429: "resource_exhausted",
};

/** Fastify's own refusals (a body too large, a bad content type) carry a status below 500. */
export function toHttpError(error: unknown): unknown {
  if (error instanceof SkeinError || !(error instanceof Error)) return error;
  const { statusCode } = error as { statusCode?: unknown };
  if (typeof statusCode !== "number" || statusCode >= 500) return error;
  const code = CODE_OF_STATUS[statusCode] ?? "invalid_argument";
  return new SkeinError(code, "request_refused", error.message, {
    cause: error,
  });
}

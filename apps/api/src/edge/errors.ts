import { Code, ConnectError } from "@connectrpc/connect";
import { ERROR_CODES, type ErrorCode, SkeinError, TRANSPORT_CODES } from "@skein/errors";
import type { Logger } from "@skein/telemetry";

/** Turns whatever was thrown into what the client may see; anything unexpected is logged under the correlation id. */
export type PublishError = (error: unknown, correlationId: string) => SkeinError;

export function createPublishError(logger: Logger): PublishError {
  return (error, correlationId) => {
    if (error instanceof SkeinError) return error;
    if (error instanceof ConnectError) return fromConnectError(error);
    if (isAbort(error)) return new SkeinError("canceled", "canceled", "The call was ended by its client.");
    if (isDatabaseAway(error)) {
      logger.warn({ err: error, correlationId }, "the database did not answer");
      return new SkeinError("unavailable", "database_away", "The database is not available now. Try again soon.");
    }
    logger.error({ err: error, correlationId }, "a call failed unexpectedly");
    return new SkeinError(
      "internal",
      "internal_error",
      `Internal error, correlation id ${correlationId}. The server's log says more under this id.`,
      { cause: error },
    );
  };
}

const CODE_OF_NUMBER = new Map<number, ErrorCode>(ERROR_CODES.map((code) => [TRANSPORT_CODES[code].grpc, code]));

/** How a call ended, from its `grpc-status`. A request that is not gRPC's is refused without one. */
export function codeOfStatus(status: string | null | undefined): ErrorCode | "ok" {
  if (status === "0") return "ok";
  return (status ? CODE_OF_NUMBER.get(Number(status)) : undefined) ?? "invalid_argument";
}

/** Connect's own refusals: a message too large, a stream cut off. */
function fromConnectError(error: ConnectError): SkeinError {
  const code = error.code === Code.Unknown ? "internal" : (CODE_OF_NUMBER.get(error.code) ?? "internal");
  return new SkeinError(code, "transport_error", error.rawMessage, { cause: error });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

const SOCKET_ERRORS = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/**
 * SQLSTATE classes 08 (connection), 53 (no resources) and 57P (shutting down); 25006, a standby after a failover; 40001 and
 * 40P01, where two statements got in each other's way and one has to come again.
 */
const AWAY_STATES = /^(08...|53...|57P..|25006|40001|40P01)$/;
const AWAY_MESSAGES =
  /^Connection terminated|timeout exceeded when trying to connect|encountered a connection error|after calling end on the pool/;

/** What `pg` throws when Postgres cannot answer now. */
function isDatabaseAway(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as { code?: unknown }).code;
    if (typeof code === "string" && (SOCKET_ERRORS.test(code) || AWAY_STATES.test(code))) return true;
    if (AWAY_MESSAGES.test(cause.message)) return true;
  }
  return false;
}

/** flytekit accepts 32 KiB of metadata in all; other trailers need a little of it. */
const TRAILER_BYTES_MAX = 31_000;

/**
 * The error as gRPC and Connect send it. Trailers hold the text percent-encoded, and with details once more in base64,
 * so the text is cut to what fits.
 */
export function toConnectError(error: SkeinError): ConnectError {
  const detailBytes = error.protoDetails.reduce(
    (sum, { typeName, value }) => sum + typeName.length + value.length + 40,
    0,
  );
  const room = TRAILER_BYTES_MAX - Math.ceil(detailBytes * (4 / 3));
  const message = cutToEncodedSize(error.message.toWellFormed(), room, error.protoDetails.length > 0);
  const published = new ConnectError(message, TRANSPORT_CODES[error.code].grpc, { "error-reason": error.reason });
  published.details = error.protoDetails.map(({ typeName, value }) => ({ type: typeName, value }));
  return published;
}

function cutToEncodedSize(text: string, sizeMax: number, isSentTwice: boolean): string {
  const sizeOf = (part: string): number =>
    encodeURIComponent(part).length + (isSentTwice ? Math.ceil(Buffer.byteLength(part) * (4 / 3)) : 0);
  if (sizeOf(text) <= sizeMax) return text;
  let [low, high] = [0, Math.min(text.length, sizeMax)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sizeOf(`${text.slice(0, middle).toWellFormed()}…`) <= sizeMax) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low).toWellFormed()}…`;
}

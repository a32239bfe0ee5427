import type { ErrorCode } from "./error.ts";

interface TransportCodes {
  /** google.rpc.Code; Connect uses the same numbers. */
  readonly grpc: number;
  readonly http: number;
  readonly trpc: string;
}

/** The one table that maps a `SkeinError` to every protocol we speak (HTTP column as grpc-gateway does). */
export const TRANSPORT_CODES: Record<ErrorCode, TransportCodes> = {
  canceled: { grpc: 1, http: 499, trpc: "CLIENT_CLOSED_REQUEST" },
  invalid_argument: { grpc: 3, http: 400, trpc: "BAD_REQUEST" },
  deadline_exceeded: { grpc: 4, http: 504, trpc: "TIMEOUT" },
  not_found: { grpc: 5, http: 404, trpc: "NOT_FOUND" },
  already_exists: { grpc: 6, http: 409, trpc: "CONFLICT" },
  permission_denied: { grpc: 7, http: 403, trpc: "FORBIDDEN" },
  resource_exhausted: { grpc: 8, http: 429, trpc: "TOO_MANY_REQUESTS" },
  failed_precondition: { grpc: 9, http: 400, trpc: "PRECONDITION_FAILED" },
  aborted: { grpc: 10, http: 409, trpc: "CONFLICT" },
  out_of_range: { grpc: 11, http: 400, trpc: "BAD_REQUEST" },
  unimplemented: { grpc: 12, http: 501, trpc: "NOT_IMPLEMENTED" },
  internal: { grpc: 13, http: 500, trpc: "INTERNAL_SERVER_ERROR" },
  unavailable: { grpc: 14, http: 503, trpc: "SERVICE_UNAVAILABLE" },
  unauthenticated: { grpc: 16, http: 401, trpc: "UNAUTHORIZED" },
};

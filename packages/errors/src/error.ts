/** What a caller can react to, in gRPC's words. UNKNOWN is missing on purpose: flytekit answers it with a login. */
export const ERROR_CODES = [
  "invalid_argument",
  "not_found",
  "already_exists",
  "failed_precondition",
  "permission_denied",
  "unauthenticated",
  "resource_exhausted",
  "aborted",
  "out_of_range",
  "unimplemented",
  "unavailable",
  "deadline_exceeded",
  "canceled",
  "internal",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** A typed protobuf message that travels beside the error (`google.rpc.Status.details`). */
export interface ErrorDetail {
  readonly typeName: string;
  readonly value: Uint8Array;
}

/** Facts for programs and log queries; `protoDetails` reach gRPC clients as status details. */
export interface ErrorContext {
  readonly details?: Readonly<Record<string, string | number>>;
  readonly protoDetails?: readonly ErrorDetail[];
  readonly cause?: unknown;
}

/** An expected failure the caller can act on. Bugs are not SkeinErrors: they break an `invariant`. */
export class SkeinError extends Error {
  override readonly name = "SkeinError";
  readonly code: ErrorCode;
  /** Stable snake_case word for programs and log queries. Never reused. */
  readonly reason: string;
  readonly details: Readonly<Record<string, string | number>>;
  readonly protoDetails: readonly ErrorDetail[];

  constructor(code: ErrorCode, reason: string, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.reason = reason;
    this.details = context.details ?? {};
    this.protoDetails = context.protoDetails ?? [];
  }
}

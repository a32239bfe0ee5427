export { ERROR_CODES, type ErrorCode, type ErrorContext, type ErrorDetail, SkeinError } from "./error.ts";
export { InvariantError, invariant } from "./invariant.ts";
export { TRANSPORT_CODES } from "./transport-codes.ts";

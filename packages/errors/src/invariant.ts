/** A broken assumption of our own code. It is never the caller's fault, and every edge reports it as internal. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws an `InvariantError` unless `condition` holds. For bugs only; bad input is a `SkeinError`. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Fields that name what failed and never hold data of ours or of users, as Postgres, Node and our own errors have them. */
const TELLING_FIELDS = [
  "code",
  "reason",
  "severity",
  "constraint",
  "schema",
  "table",
  "column",
  "routine",
  "syscall",
  "errno",
  "address",
  "port",
];
const DEPTH_MAX = 5;

/** An error for the log: its type, message, stack, codes and causes. What else hangs on it (clients, rows, keys) stays away. */
export function describeError(error: unknown): unknown {
  return describe(error, DEPTH_MAX);
}

/** `facts` with every error in them described, in lists and plain objects too. */
export function describeErrorsIn(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, describe(value, DEPTH_MAX)]));
}

function describe(value: unknown, depth: number): unknown {
  if (value instanceof Error) return depth > 0 ? describeOne(value, depth) : String(value);
  if (depth === 0 || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => describe(item, depth - 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, describe(item, depth - 1)]));
}

function describeOne(error: Error, depth: number): Record<string, unknown> {
  const { message, stack, cause } = error;
  const described: Record<string, unknown> = {
    type: error.name === "Error" ? error.constructor.name : error.name,
    message,
  };
  for (const field of TELLING_FIELDS) {
    const value = (error as unknown as Record<string, unknown>)[field];
    if (typeof value === "string" || typeof value === "number") described[field] = value;
  }
  if (cause instanceof Error) described.cause = describe(cause, depth - 1);
  else if (typeof cause === "string") described.cause = cause;
  if (error instanceof AggregateError) described.errors = describe(error.errors, depth - 1);
  return { ...described, stack };
}

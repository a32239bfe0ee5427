import { InvariantError, SkeinError } from "@skein/errors";
import { isMissing } from "./values.ts";

/**
 * SQLSTATE classes that speak of the server and not of the statement: connection, transaction rollback, resources,
 * object state (locks), operator intervention, system errors. 25 is a standby, or a transaction that broke off.
 */
const OUTAGE_CLASSES = /^(08|25|40|53|55|57|58)[0-9A-Z]{3}$/;
/** Of files and sockets: ECONNREFUSED, EIO. */
const SYSTEM_CODE = /^E[A-Z]+$/;
const BUGS = [InvariantError, TypeError, RangeError, SyntaxError, ReferenceError];
/** Only people can change these: that credentials do not reach an object is no matter of time. */
const LASTING: ReadonlySet<string> = new Set(["storage_forbidden"]);
/** pg tells of its connections and pool in words only. */
const CONNECTION_WORDS = /connect|terminated|timeout|timed out|not queryable|the pool/i;

/**
 * Whether trying the same again, later, may help: the database, the queue or the store did not answer as it should.
 * Everything else is a defect of ours: a broken invariant, a TypeError, data that breaks a constraint.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof SkeinError) return !isMissing(error) && !LASTING.has(error.reason) && error.code !== "internal";
  if (!(error instanceof Error) || BUGS.some((type) => error instanceof type)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return SYSTEM_CODE.test(code) || OUTAGE_CLASSES.test(code);
  return CONNECTION_WORDS.test(error.message);
}

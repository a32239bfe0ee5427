import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { AttemptId } from "./order.ts";

/**
 * The proof that a claim or a report is about this attempt. It is an HMAC, not a random number, so that an order can be
 * built again from rows after the queue was lost. 43 characters.
 */
export function attemptToken(secretKey: string, id: AttemptId): string {
  return createHmac("sha256", secretKey).update(`attempt:${id.runId}:${id.ordinal}:${id.attempt}`).digest("base64url");
}

/** What Postgres keeps of a token. */
export function tokenHash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Compares in constant time. */
export function isSameToken(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

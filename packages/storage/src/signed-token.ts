import { createHmac, timingSafeEqual } from "node:crypto";
import { SkeinError } from "@skein/errors";

/** What a signed URL of file storage permits. */
export interface SignedGrant {
  readonly method: "PUT" | "GET";
  readonly key: string;
  readonly expiresAtMs: number;
  /** base64, as in the Content-MD5 header. */
  readonly md5?: string;
  readonly contentLengthMax?: number;
}

/** Grant → `payload.signature`, both base64url: safe as one path segment. */
export function signGrant(secretKey: string, grant: SignedGrant): string {
  const payload = Buffer.from(JSON.stringify(grant)).toString("base64url");
  return `${payload}.${signatureOf(secretKey, payload).toString("base64url")}`;
}

/** The grant of a token that we signed and that has not expired; permission_denied otherwise. */
export function readGrant(secretKey: string, token: string, nowMs: number): SignedGrant {
  const [payload = "", signature = "", ...rest] = token.split(".");
  const expected = signatureOf(secretKey, payload);
  const given = Buffer.from(signature, "base64url");
  const isOurs = given.length === expected.length && timingSafeEqual(given, expected) && rest.length === 0;
  if (!isOurs) throw new SkeinError("permission_denied", "signature_invalid", "The URL's signature is not valid.");
  const grant = JSON.parse(Buffer.from(payload, "base64url").toString()) as SignedGrant;
  if (grant.expiresAtMs <= nowMs) {
    throw new SkeinError("permission_denied", "signed_url_expired", "The signed URL has expired. Ask for a new one.");
  }
  return grant;
}

/** The prefix keeps these signatures apart from everything else that is signed with the same key. */
const signatureOf = (secretKey: string, payload: string): Buffer =>
  createHmac("sha256", secretKey).update(`storage-url:${payload}`).digest();

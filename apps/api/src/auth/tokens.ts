import { jwtVerify, SignJWT } from "jose";
import type { Caller } from "./caller.ts";

/** The token types that we sign ourselves. Each has an audience of its own, so that one never passes for the other. */
export const OWN_TOKEN_TYPES = { agent: "skein-agent+jwt", run: "skein-run+jwt" } as const;
type OwnTokenKind = keyof typeof OWN_TOKEN_TYPES;

const ISSUER = "skein";
const audienceOf = (kind: OwnTokenKind): string => `skein:${kind}`;
const keyOf = (secretKey: string): Uint8Array => new TextEncoder().encode(secretKey);

interface Lifetime {
  /** Who holds the token: recorded as the caller's subject. */
  readonly subject: string;
  readonly lifetimeSeconds: number;
}

/** A token that lets an agent serve one pool, and nothing else. */
export const signAgentToken = (secretKey: string, token: Lifetime & { readonly pool: string }): Promise<string> =>
  sign(secretKey, "agent", token, { pool: token.pool });

/** A run's token ends with the run; this only bounds how long one that leaked can be tried. */
const RUN_TOKEN_SECONDS = 365 * 24 * 3_600;

/** A token for what a run's own code may do, in the run's project and domain, until the run is over. */
export const signRunToken = (
  secretKey: string,
  { runId, project, domain }: { readonly runId: string; readonly project: string; readonly domain: string },
): Promise<string> =>
  sign(secretKey, "run", { subject: runId, lifetimeSeconds: RUN_TOKEN_SECONDS }, { project, domain });

function sign(secretKey: string, kind: OwnTokenKind, token: Lifetime, claims: Record<string, string>): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", typ: OWN_TOKEN_TYPES[kind] })
    .setIssuer(ISSUER)
    .setAudience(audienceOf(kind))
    .setSubject(token.subject)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1_000) + token.lifetimeSeconds)
    .sign(keyOf(secretKey));
}

/** Rejects with jose's error unless the token is ours, of this kind and in time. */
export async function verifyOwnToken(secretKey: string, kind: OwnTokenKind, token: string): Promise<Caller> {
  const { payload } = await jwtVerify(token, keyOf(secretKey), {
    algorithms: ["HS256"],
    typ: OWN_TOKEN_TYPES[kind],
    issuer: ISSUER,
    audience: audienceOf(kind),
    requiredClaims: ["exp", "sub"],
  });
  const subject = payload.sub ?? "";
  const shared = { subject, name: subject, scopes: [] };
  if (kind === "agent") return { ...shared, kind, pool: String(payload.pool) };
  return { ...shared, kind, tenant: { project: String(payload.project), domain: String(payload.domain) } };
}

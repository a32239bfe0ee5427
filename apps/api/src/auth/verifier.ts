import { SkeinError } from "@skein/errors";
import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Caller } from "./caller.ts";
import { OWN_TOKEN_TYPES, verifyOwnToken } from "./tokens.ts";

/** Turns a bearer token into a caller, or throws `unauthenticated`. */
export interface Verifier {
  verify(token: string): Promise<Caller>;
  /** True where people must show a token: an identity provider is configured. */
  readonly requiresToken: boolean;
}

/** The identity provider whose tokens people bring. */
export interface IdentityProvider {
  readonly issuer: string;
  readonly audience: string;
  /** The provider's public keys, say jose's `createRemoteJWKSet`. */
  readonly keys: JWTVerifyGetKey;
}

/** Only signatures with a private key: with HS256 a public key could be used to forge a token. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const CLOCK_TOLERANCE_SECONDS = 5;

export function createVerifier(options: {
  readonly secretKey: string;
  readonly provider?: IdentityProvider;
  /** Whether a run goes on: its token ends with it. */
  readonly isRunLive: (runId: string) => Promise<boolean>;
}): Verifier {
  const { provider, secretKey } = options;
  const verifyRunToken = async (token: string): Promise<Caller> => {
    const caller = await verifyOwnToken(secretKey, "run", token);
    if (await options.isRunLive(caller.subject)) return caller;
    const message = "The bearer token is not valid: the run that it was given to is over.";
    throw new SkeinError("unauthenticated", "run_over", message);
  };
  return {
    requiresToken: provider !== undefined,
    async verify(token) {
      const type = readTokenType(token);
      try {
        if (type === OWN_TOKEN_TYPES.agent) return await verifyOwnToken(secretKey, "agent", token);
        if (type === OWN_TOKEN_TYPES.run) return await verifyRunToken(token);
        if (provider) return await verifyProviderToken(provider, token);
      } catch (error) {
        throw refusal(error);
      }
      throw new SkeinError(
        "unauthenticated",
        "no_verifier",
        "The bearer token cannot be checked: this server has no identity provider (SKEIN_AUTH_ISSUER). Call without a token.",
      );
    },
  };
}

async function verifyProviderToken(provider: IdentityProvider, token: string): Promise<Caller> {
  const { payload } = await jwtVerify(token, provider.keys, {
    algorithms: ALGORITHMS,
    issuer: provider.issuer,
    audience: provider.audience,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ["exp", "sub"],
  });
  const subject = payload.sub ?? "";
  const name = [payload.name, payload.preferred_username, payload.email].find((claim) => typeof claim === "string");
  return { kind: "user", subject, name: name ?? subject, scopes: scopesOf(payload) };
}

function scopesOf(payload: JWTPayload): readonly string[] {
  if (typeof payload.scope === "string") return payload.scope.split(" ").filter((scope) => scope !== "");
  return Array.isArray(payload.scp) ? payload.scp.filter((scope) => typeof scope === "string") : [];
}

function readTokenType(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).typ;
  } catch (error) {
    throw invalidToken("it is not a signed JWT", error);
  }
}

/** Trouble with reading the provider's keys is not the caller's fault; everything else about a token is. */
function refusal(error: unknown): SkeinError {
  if (error instanceof SkeinError) return error;
  const isOfToken = error instanceof errors.JOSEError && !KEY_SET_ERRORS.has(error.code);
  if (isOfToken) return invalidToken(error instanceof errors.JWTExpired ? "it has expired" : error.message, error);
  const message = "The identity provider's keys cannot be read now.";
  return new SkeinError("unavailable", "identity_provider_away", message, { cause: error });
}

const KEY_SET_ERRORS = new Set(["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID"]);

const invalidToken = (why: string, cause: unknown): SkeinError =>
  new SkeinError("unauthenticated", "invalid_token", `The bearer token is not valid: ${why}. Log in again.`, { cause });

import { SkeinError } from "@skein/errors";
import { createRemoteJWKSet, type JWTVerifyGetKey } from "jose";
import { z } from "zod";

const Provider = z.object({
  issuer: z.string(),
  jwks_uri: z.url(),
  authorization_endpoint: z.url().optional(),
  token_endpoint: z.url().optional(),
  device_authorization_endpoint: z.url().optional(),
});
export type Provider = z.infer<typeof Provider>;

/** What an identity provider says about itself at `/.well-known/openid-configuration`. */
export interface Discovery {
  /** Read once, when it is first needed; a failure is tried again by the next caller. */
  read(): Promise<Provider>;
}

const TIMEOUT_MS = 5_000;

export function openDiscovery(issuer: string): Discovery {
  let reading: Promise<Provider> | undefined;
  return {
    read: () => {
      reading ??= fetchProvider(issuer).catch((error: unknown) => {
        reading = undefined;
        throw new SkeinError(
          "unavailable",
          "identity_provider_away",
          `The identity provider ${issuer} does not answer.`,
          {
            cause: error,
          },
        );
      });
      return reading;
    },
  };
}

async function fetchProvider(issuer: string): Promise<Provider> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return Provider.parse(await response.json());
}

/** The provider's keys: from `jwksUrl` where one is configured, else from what discovery names. jose caches them. */
export function providerKeys(discovery: Discovery, jwksUrl: string | undefined): JWTVerifyGetKey {
  let keys = jwksUrl === undefined ? undefined : createRemoteJWKSet(new URL(jwksUrl));
  return async (header, token) => {
    keys ??= createRemoteJWKSet(new URL((await discovery.read()).jwks_uri));
    return keys(header, token);
  };
}

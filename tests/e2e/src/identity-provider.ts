import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

const AUDIENCE = "skein-test";

/** An OpenID Connect provider, as far as a server that checks its tokens can tell. */
export interface IdentityProvider {
  /** What makes Skein ask for its tokens. */
  readonly env: Readonly<Record<string, string>>;
  /** A token of a person, good for an hour. */
  tokenOf(subject: string): Promise<string>;
  close(): Promise<void>;
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = [{ ...(await exportJWK(publicKey)), alg: "ES256", use: "sig", kid: "k1" }];
  const server = createServer((request, response) => {
    const discovery = { issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url === "/jwks" ? { keys } : discovery));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: { SKEIN_AUTH_ISSUER: issuer, SKEIN_AUTH_AUDIENCE: AUDIENCE },
    tokenOf: (subject) =>
      new SignJWT()
        .setProtectedHeader({ alg: "ES256", kid: "k1" })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setSubject(subject)
        .setExpirationTime("1h")
        .sign(privateKey),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

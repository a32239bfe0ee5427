import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const AUDIENCE = "skein-test";

/** An OpenID Connect provider, as far as a server that checks its tokens can tell. */
export interface IdentityProvider {
  /** What makes Skein ask for its tokens. */
  readonly env: Readonly<Record<string, string>>;
  /** A token of a person, good for an hour. */
  tokenOf(subject: string): string;
  close(): Promise<void>;
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keys = [{ ...publicKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: "k1" }];
  const server = createServer((request, response) => {
    const discovery = { issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url === "/jwks" ? { keys } : discovery));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: { SKEIN_AUTH_ISSUER: issuer, SKEIN_AUTH_AUDIENCE: AUDIENCE },
    tokenOf: (subject) => {
      const claims = { iss: issuer, aud: AUDIENCE, sub: subject, exp: Math.floor(Date.now() / 1_000) + 3_600 };
      const signed = [{ alg: "ES256", kid: "k1" }, claims].map(encoded).join(".");
      const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

import { SkeinError } from "@skein/errors";
import type { Permission } from "../permissions.ts";
import type { Caller } from "./caller.ts";
import type { Verifier } from "./verifier.ts";

/** Reads one request header, whatever the transport; undefined when it is absent. */
export type ReadHeader = (name: string) => string | undefined;

export const ANONYMOUS: Caller = { kind: "anonymous", subject: "anonymous", name: "anonymous", scopes: [] };

/** Flyte's clients are told to use the first one; everybody else uses the second. */
const TOKEN_HEADERS = ["flyte-authorization", "authorization"];

/** Who calls. `public` and `signed-url` ask for no token and look at none, so that a stale one does not stop a login. */
export async function authenticate(verifier: Verifier, permission: Permission, header: ReadHeader): Promise<Caller> {
  if (permission === "public" || permission === "signed-url") return ANONYMOUS;
  const token = bearerToken(header);
  if (token !== undefined) return verifier.verify(token);
  if (!verifier.requiresToken && permission !== "agent:serve") return ANONYMOUS;
  throw new SkeinError("unauthenticated", "no_token", "This call needs a bearer token in the `authorization` header.");
}

function bearerToken(header: ReadHeader): string | undefined {
  for (const name of TOKEN_HEADERS) {
    const value = header(name);
    if (value === undefined || value === "") continue;
    const [, token] = /^Bearer +(\S+)$/i.exec(value.trim()) ?? [];
    if (token === undefined) {
      throw new SkeinError("unauthenticated", "invalid_token", `The header \`${name}\` must be \`Bearer <token>\`.`);
    }
    return token;
  }
  return undefined;
}

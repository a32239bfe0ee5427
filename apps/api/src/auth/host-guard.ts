import { SkeinError } from "@skein/errors";

/** Throws `permission_denied` for a request that a foreign web page made a browser send. */
export type HostGuard = (request: { readonly host: string | undefined; readonly origin: string | undefined }) => void;

const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Without tokens, a web page could reach a local server under a name that it makes point to 127.0.0.1 (DNS rebinding),
 * or send it requests across origins. So only local names and the public address are answered.
 */
export function createHostGuard(options: { readonly publicUrl: string | undefined }): HostGuard {
  const publicHost = options.publicUrl === undefined ? undefined : new URL(options.publicUrl).host;
  const isOwnHost = (host: string): boolean => host === publicHost || LOOPBACK_NAMES.has(host.replace(/:\d+$/, ""));
  return ({ host, origin }) => {
    if (host !== undefined && !isOwnHost(host.toLowerCase())) {
      throw new SkeinError(
        "permission_denied",
        "foreign_host",
        `The host name ${host} is not this server's. Use localhost, or set SKEIN_PUBLIC_URL.`,
      );
    }
    if (origin !== undefined && !isOwnOrigin(origin, host, publicHost)) {
      throw new SkeinError("permission_denied", "foreign_origin", `Web pages of ${origin} may not call this server.`);
    }
  };
}

function isOwnOrigin(origin: string, host: string | undefined, publicHost: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  const originHost = new URL(origin).host;
  return originHost !== "" && (originHost === host?.toLowerCase() || originHost === publicHost);
}

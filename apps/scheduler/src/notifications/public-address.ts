import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import ipaddr from "ipaddr.js";
import { DeliveryFailure } from "./delivery-failure.ts";

/** Whether an address belongs to the public internet: not to this machine, its network, or a cloud's metadata. */
export function isPublicAddress(address: string): boolean {
  // An IPv4 address in IPv6's clothes is judged as what it is.
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "unicast";
}

/** Without the brackets of an IPv6 address, and the dot that ends a name written in full. */
const plainHost = (host: string): string => host.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");

/**
 * The addresses of a webhook's host, looked up once: who connects must use them, so that a second answer of the name server
 * cannot lead elsewhere. Refuses hosts inside, unless they are allowed by name.
 */
export async function checkedAddresses(url: URL, allowedHosts: readonly string[]): Promise<LookupAddress[]> {
  const host = plainHost(url.hostname);
  const isAllowed = allowedHosts.includes(host);
  const advice = `name ${host} in SKEIN_WEBHOOK_ALLOWED_HOSTS if that is wanted`;
  if (url.protocol !== "https:" && !isAllowed) {
    throw new DeliveryFailure(`${host} would be spoken to without TLS: use https, or ${advice}.`, { isFinal: true });
  }
  const addresses = await lookup(host, { all: true }).catch((error: NodeJS.ErrnoException) => {
    throw new DeliveryFailure(`The name ${host} could not be looked up (${error.code}).`, { isFinal: false });
  });
  if (isAllowed || addresses.every(({ address }) => isPublicAddress(address))) return addresses;
  throw new DeliveryFailure(`${host} has an address that is not public: ${advice}.`, { isFinal: true });
}

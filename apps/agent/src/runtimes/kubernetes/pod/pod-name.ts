import type { ClaimGrant } from "@skein/contracts";
import type { AttemptFolder } from "../../../ledger/attempt-folder.ts";
import { shortHash } from "./labels.ts";

/** Room for what Kubernetes makes of names: a pod's is its host's too. */
const NAME_MAX = 63;

/**
 * `<run>-<action>-<attempt>`, the same whenever it is asked for. What Kubernetes' rules change or cut is told apart by a
 * part of the attempt's hash, and so is everything where projects share a namespace, for then runs share names.
 */
export function podName(
  launch: { readonly folder: AttemptFolder; readonly grant: ClaimGrant },
  settings: { readonly namespace: string | undefined },
): string {
  const { grant, folder } = launch;
  const plain = `${grant.runName}-${grant.actionName}-${folder.id.attempt}`;
  // Run `a`, step `b-c` must not meet run `a-b`, step `c`.
  return dnsName(plain, folder.key, settings.namespace !== undefined || grant.runName.includes("-"));
}

/** The namespace of an attempt's pod. */
export function namespaceOf(
  grant: Pick<ClaimGrant, "org" | "project" | "domain">,
  settings: { readonly namespace: string | undefined },
): string {
  if (settings.namespace !== undefined) return settings.namespace;
  const { org, project, domain } = grant;
  // `a-b` and `c` must not meet `a` and `b-c`.
  const isAmbiguous = org !== "" || domain.includes("-");
  const plain = [org, project, domain].filter((part) => part !== "").join("-");
  return dnsName(plain, JSON.stringify([org, project, domain]), isAmbiguous);
}

/** The name as Kubernetes takes it: with a hash of `identity` where it is asked for or the name had to change. */
function dnsName(plain: string, identity: string, isAmbiguous: boolean): string {
  const clean = plain
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  if (clean === plain && plain !== "" && plain.length <= NAME_MAX && !isAmbiguous) return plain;
  const suffix = shortHash(identity);
  const kept = clean.slice(0, NAME_MAX - suffix.length - 1).replace(/-+$/, "");
  return kept === "" ? `x-${suffix}` : `${kept}-${suffix}`;
}

